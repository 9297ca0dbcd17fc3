/** What a setting does on the host that was looked at, a sentence each. By the ids of src/diagnose/host-settings.ts. */
export const settingWords = {
  heading: 'Settings, and what they do here',
  line: '{name} = {value}{where}: {effect}',
  /** Where namespaces differ. */
  where: ' ({netns})',
  effects: {
    'keepalive-time':
      'where a program asks for keepalive and sets no times of its own, a dead peer is found after {after:ms} of silence: {time} + {probes} x {intvl} s; {on:count} of {of:count} open connections here have it on',
    'keepalive-intvl': 'then a probe every {intvl} s',
    'keepalive-probes': '{probes} probes in a row without an answer end the connection',
    'fin-timeout':
      'a connection that its program has closed waits {for} s for the FIN of its peer and is then forgotten ({now:count} in FIN-WAIT-2 now); TIME-WAIT lasts 60 s whatever stands here',
    'syncookies-never': 'when the SYN queue of a listener is full, SYNs are dropped',
    'syncookies-full':
      'when the SYN queue of a listener is full, SYNs are answered with cookies instead of being dropped',
    'syncookies-always': 'every SYN is answered with a cookie, none waits in a SYN queue',
    'overflow-drop':
      'a handshake that ends at a full accept queue is left hanging: the client repeats, and gets no reset',
    'overflow-reset':
      'a handshake that ends at a full accept queue is reset; SYNs are dropped there all the same',
    'somaxconn-cuts':
      'a listener that asks for more gets {limit}: {who} asks for {asks} at {listener}; {at:count} of {of:count} listeners here have that limit',
    somaxconn:
      'a listener that asks for more gets {limit}; {at:count} of {of:count} listeners here have that limit',
    'syn-backlog-cookies':
      'holds nothing down as long as SYN cookies are on: the SYN queue is as long as the backlog of the listener',
    'syn-backlog':
      'SYN cookies are off: once {from:count} handshakes are under way at a listener, only peers known from earlier connections are let in',
    'syn-backlog-old':
      'before Linux 4.4 it is a part of how long SYN queues are; tcpwhy queue says how long',
    'reuse-never':
      'a port in TIME-WAIT is not used again towards the same destination for 60 s ({now:count} in TIME-WAIT now)',
    'reuse-timestamps':
      'a port in TIME-WAIT may be used again for a connection from here to the same destination, where timestamps are on at both ends ({now:count} in TIME-WAIT now)',
    'reuse-loopback':
      'a port in TIME-WAIT is used again early on loopback only ({now:count} in TIME-WAIT now)',
    'reuse-no-timestamps':
      'does nothing: net.ipv4.tcp_timestamps is 0 ({now:count} in TIME-WAIT now)',
    'tw-buckets':
      '{now:count} are in TIME-WAIT now; beyond {limit:count} connections end without it',
    orphans:
      '{now:count} connections are held by no program now; beyond {limit:count} such connections are reset',
    'orphans-unknown': 'beyond {limit:count} connections that no program holds any more are reset',
    'orphan-retries':
      'what a closed connection still has to send is repeated {times} times without an answer, then it is given up',
    'tcp-mem':
      'TCP has {now:count} pages of memory now; from {pressure:count} on windows shrink, at {high:count} segments are dropped',
    'tcp-mem-unknown':
      'from {pressure:count} pages on TCP lets windows shrink, at {high:count} segments are dropped',
    retries2:
      'data that nobody acknowledges is repeated for at least {for:ms} (a path without delay), then the connection ends with ETIMEDOUT',
    'syn-retries': 'connect() to an address that never answers fails after {for:ms}',
    'synack-retries':
      'a handshake whose last ACK never comes is forgotten after {for:ms} (SYN-RECV)',
    'mtu-never':
      'a path that swallows large packets and says nothing stays a hole: TCP never tries smaller ones',
    'mtu-hole': 'a path that swallows large packets is found out, and smaller ones are sent',
    'mtu-always': 'every connection looks for the size of its path by itself',
    ports:
      '{ports:count} local ports for connections from one address to one destination; most are used towards {destination}: {used:count}',
    'ports-unused':
      '{ports:count} local ports for connections from one address to one destination; none of them is used now',
    'conntrack-max':
      '{now:count} connections are tracked now; beyond {limit:count} new ones are dropped',
    'conntrack-max-unknown': 'beyond {limit:count} tracked connections new ones are dropped',
    'conntrack-idle': 'nothing: no connection is tracked now',
    'conntrack-established-later':
      'a connection that is silent for {for:ms} is forgotten by the connection tracking of this host; keepalive, where a program asks for it, comes earlier ({time:ms})',
    'conntrack-established-earlier':
      'a connection that is silent for {for:ms} is forgotten by the connection tracking of this host, before keepalive ({time:ms}) would say a word: what rules then do with its packets cuts it',
    'conntrack-established':
      'a connection that is silent for {for:ms} is forgotten by the connection tracking of this host',
    'conntrack-time-wait': 'ended connections are tracked for {for:ms} more',
    'conntrack-close-wait':
      'a connection that one end has closed is forgotten after {for:ms} without another packet',
    'conntrack-fin-wait':
      'a connection of which a FIN was seen is forgotten after {for:ms} without another packet',
    'conntrack-max-retrans':
      'a connection that repeats itself without an answer is forgotten after {for:ms}',
    'conntrack-unacknowledged':
      'a connection with data that nobody acknowledges is forgotten after {for:ms}',
    'conntrack-loose':
      'a connection that is under way already is taken for a known one: tracking that forgot it lets it live',
    'conntrack-strict':
      'packets of a connection that tracking does not know are invalid: once forgotten, a connection is dead wherever a rule drops those',
    unclear: 'a value whose meaning is not known here',
  },
} as const
