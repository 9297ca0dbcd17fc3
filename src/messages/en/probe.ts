/** Sentences of `tcpwhy probe`, by experiment. Keys of `failure` are those of src/probe/load/failures.ts. */
export const probeWords = {
  plan: {
    head: 'tcpwhy probe {probe} will open {connections} to {targets}, at most {atOnce} at a time, {rate}; it sends {sends}{volume}, and is over in {deadline} at the latest. Ctrl-C ends it with what is known.',
    connections: { some: 'at most {n} connections', one: 'one connection' },
    volume: ', {n?one request|at most {n:count} requests} ({octets}) in all',
    rate: {
      limited: 'at most {n} new ones or requests a second',
      due: '{n} requests a second (those that a slow server makes late follow as soon as it answers, {atOnce} at a time)',
      opened: 'at most {n} new ones a second',
      free: 'as fast as answers come',
    },
  },
  failure: {
    'no-descriptor': 'no descriptor left here (EMFILE)',
    'no-local-port': 'no local port left here (EADDRNOTAVAIL)',
    'connect-refused': 'refused: RST to the SYN, or ICMP port unreachable',
    'connect-reset': 'reset in the handshake',
    'connect-unreachable': 'unreachable: ICMP, route or local rule',
    'connect-timeout': 'no handshake in time',
    'connect-failed': 'handshake failed otherwise',
    'tls-failed': 'TLS handshake failed',
    'send-reset': 'reset while sending',
    'send-timeout': 'request not taken in time',
    'receive-reset': 'reset before any answer',
    'receive-timeout': 'no answer in time',
    'receive-eof': 'closed (FIN) before any answer',
    'response-reset': 'reset within the answer',
    'response-timeout': 'answer not whole in time',
    'response-eof': 'closed (FIN) within the answer',
    'response-malformed': 'what came is no HTTP',
    other: 'another error',
  },
  backlog: {
    sends: 'GET {path} once on each connection, in bursts of {sizes}',
    heading: 'Connections at the same moment, one request each',
    column: {
      at: 'at once',
      answered: 'answered',
      failed: 'failed',
      slow: 'slow SYN',
      slowest: 'slowest',
      deepest: 'queue',
      overflows: 'overflows',
      drops: 'drops',
      how: 'what failed requests died of',
    },
    listener:
      "The listener is this host's: {local}, backlog {limit}, so {fits} connections can wait to be accepted. Overflows and drops: TcpExtListenOverflows and TcpExtListenDrops of this network namespace meanwhile.",
    noLimit:
      "The listener is this host's: {local}; how long its queue may be cannot be read. Overflows and drops are those of this network namespace meanwhile.",
    elsewhere:
      'The listener is on another host: its queue and counters were not seen. There: ss -ltn, nstat -az TcpExtListenOverflows TcpExtListenDrops.',
    conclusion: {
      none: 'Interrupted before the first burst was over.',
      overflow:
        'The accept queue of {address} overflows: with {n} connections at once it was {deepest} long of {fits} and refused {overflows} SYNs or last ACKs.',
      full: 'The accept queue of {address} was full before ({deepest} waiting, {fits} fit) and not one of {n} new connections was answered: its program does not accept.',
      refused:
        '{address} refuses connections: nothing listens there, or a firewall says so. How long its queue is cannot be asked; tcpwhy probe connect tells who refuses.',
      nobody: 'Nothing listens on {address}, which is an address of this host.',
      fine: '{address} took {n} connections at once, and answered all; slowest handshake {slowest}.',
      fineHere:
        '{address} took {n} connections at once, and answered all; its accept queue was {deepest} long at most, of {fits}. Slowest handshake {slowest}.',
      failures:
        'With {n} connections at once {failed} requests to {address} failed: {kind}. Handshakes took up to {slowest}.',
      slow: 'With {n} connections at once {slow} handshakes with {address} took up to {slowest}: a SYN or SYN-ACK was dropped and sent again, as at a full listen queue.',
    },
  },
  connect: {
    sendsNothing: 'nothing but handshakes',
    nothing: 'Interrupted before anything was known.',
    missing: {
      options:
        'TCP states, retransmissions and acknowledgements: they need raw socket options (the optional package koffi, on Linux)',
      walk: 'Who answers, and how far SYNs get: that takes root, and no --no-walk',
    },
    verdict: {
      served:
        '{address} serves: handshake {connect}, first octet after {first}, last after {last}, status {status}.',
      connected: '{address} takes connections (handshake {connect}); nothing was asked.',
      refused:
        '{address} refuses: RST to the SYN after {connect}. Nothing listens on that port, or a firewall says so.',
      filtered:
        '{address} does not answer: no SYN-ACK within {waited}, the SYN being sent again {times?once|{times} times}. A filter drops it, the host is gone, or the listen queue is full.',
      unreachable: '{address} is unreachable ({code}) after {waited}.',
      'reset-in-handshake':
        '{address}: reset in the handshake, or as soon as it was done, after {waited}.',
      'reset-on-request':
        '{address} takes connections (handshake {connect}) and resets them when the request comes, after {waited}.',
      'closed-on-request':
        '{address} takes connections (handshake {connect}) and closes them without an answer, after {waited}.',
      'not-acknowledged':
        '{address}: handshake done ({connect}), but the request was not even acknowledged within {waited}: the last ACK was dropped at a full accept queue, or the path lost the connection.',
      'never-served':
        '{address}: handshake done ({connect}) and the request acknowledged by the kernel there, but no program answered within {waited}: it waits in the accept queue, or the program is stuck.',
      'tls-failed': '{address} takes connections (handshake {connect}), but TLS failed ({code}).',
      'no-local-resource': '{address} was not even tried: {failure}.',
      'broken-answer': '{address} began to answer ({first}), and then: {failure}.',
      failed: '{address}: {failure} ({code}).',
    },
    refusedUnseen:
      '{address} refuses after {connect}, by a RST or by ICMP port unreachable. Nothing listens on that port, or a firewall says so.',
    refusedByIcmp:
      '{address} is refused after {connect} by ICMP port unreachable. A reject rule says so: for a port where nothing listens a host sends a RST.',
    refusedByIcmpFrom:
      '{address} is refused after {connect} by ICMP port unreachable from {from}. A reject rule there says so: for a port where nothing listens a host sends a RST.',
    resetAtOnce:
      '{address} takes connections (handshake {connect}) and resets them at once, before any request.',
    certificate:
      'Clients that check certificates refuse its: {code} (by the certificate authorities that Node trusts).',
    slow: 'The handshake was slow ({connect}).',
    slowSyn:
      'The handshake took {connect}: the SYN was sent again {times?once|{times} times}, as when a listen queue is full or packets get lost.',
    familiesDiffer:
      'IPv4 and IPv6 differ: programs that try one first are slow or fail where others do not.',
    lostAtOnce: 'Not even the first hop answers SYNs that die there.',
    lostBehind: 'SYNs are seen as far as {from} (hop {ttl}), and not behind it.',
    unreachableBy: 'It is {from} that says so.',
    refusedAt: 'The RST comes from hop {ttl}, as far away as the host that answers there.',
    refusedNearer:
      'The RST comes from hop {hops}, although the SYN had to be let go {ttl} hops: a firewall on the way refuses in the name of the host.',
    refusedNearerBy:
      'The RST comes from hop {hops}, which is {from}, although the SYN had to be let go {ttl} hops: a firewall on the way refuses in the name of the host.',
    heading: { steps: 'Steps', hops: 'Hops that SYNs of a small TTL die at', missing: 'Not told' },
    column: { step: 'step', at: 'at', state: 'TCP state', what: 'what', hop: 'hop', from: 'from' },
    step: {
      dns: 'name',
      opened: 'SYN sent',
      connected: 'handshake done',
      secured: 'TLS done',
      sent: 'request sent',
      'first-byte': 'first octet',
      'last-byte': 'last octet',
      ended: 'ended',
    },
    what: {
      dns: '{addresses}',
      retransmitted: 'SYN sent again at {times}',
      tls: '{protocol} {cipher}, ALPN {alpn}, certificate of {subject} until {until}, {trust}',
      trusted: 'trusted here',
      refused: 'refused by clients that check it ({code})',
      acknowledged: 'acknowledged at {at}',
      response: 'status {status}, {octets} octets, {kept}',
      kept: 'keep-alive offered',
      keptFor: 'keep-alive offered ({list})',
      notKept: 'no keep-alive',
    },
    nobody: '(no answer)',
    answers: {
      'syn-ack': 'answers (SYN-ACK)',
      rst: 'refuses (RST)',
      unreachable: 'ICMP unreachable',
    },
  },
  http: {
    sends:
      'GET {path}, {requests} times on one connection and once or twice on {others} others, also just when the server closes them',
    sendsPost:
      'GET {path}, {requests} times on one connection and once or twice on {others} others, also just when the server closes them, and two POSTs to {path} with bodies of 64 kB and up to 2 MB',
    notAnswered: '{address}: the first request was not answered: {what}.',
    outcome: {
      reset: 'reset',
      closed: 'closed (FIN)',
      timeout: 'no answer in time',
      malformed: 'what came is no HTTP',
      failed: 'no connection',
      answered: 'answered',
      'in-time': 'closed in time',
    },
    kept: '{address} keeps connections alive.',
    notOffered: '{address} closes after each answer (Connection: close).',
    notKept: '{address} offers to keep connections alive, but a second request was not answered.',
    closes: 'It closes them when they were idle for {really} ({how}).',
    stillOpen: 'One that was idle for {waited} was not closed.',
    stillWorks: 'One that was idle for {waited} still worked.',
    dead: 'Those that were idle for {waited} were dead: neither closed nor answering, as when a hop on the way has forgotten them (tcpwhy probe idle tells after how long).',
    says: {
      so: 'It says so: Keep-Alive: timeout={says}.',
      only: 'It says Keep-Alive: timeout={says}.',
      less: 'It promises less, Keep-Alive: timeout={says}: clients that heed it are safe.',
      more: 'It promises more, Keep-Alive: timeout={says}: clients that believe it lose requests. A proxy may pass on what the server behind it says.',
    },
    saysNothing: 'It does not say for how long (no Keep-Alive: timeout).',
    how: { fin: 'FIN', reset: 'RST' },
    requests: {
      none: '{n} requests on one connection were answered.',
      announced: 'After {n} requests it says Connection: close and closes.',
      other: 'After {n} requests it closes without having said so.',
    },
    race: {
      none: 'Of {tried} requests that were sent about when it closes none was lost: from here one can cross the FIN for no longer than a round trip, {rtt}. Clients farther away lose more.',
      lost: 'Of {tried} requests that were sent about when it closes {lost?one was lost, sent {from} its usual moment|{lost} were lost, sent from {from} its usual moment to {to} it}: who trusts a connection until the FIN is there loses what is sent within a round trip ({rtt}) of the close.',
      before: '{ms} before',
      after: '{ms} after',
    },
    size: { small: 'small', large: 'large' },
    upload: {
      kept: 'A {size} body ({sent} KiB sent): status {status}; the connection was still open after that.',
      fin: 'A {size} body ({sent} KiB sent): status {status}, then FIN.',
      reset:
        'A {size} body ({sent} KiB sent): status {status}, then RST: it closes without reading the rest.',
      timeout: 'A {size} body ({sent} KiB sent): no answer in time.',
      lost: 'A {size} body ({sent} KiB sent): reset before the answer was read: clients see "connection reset by peer" and not the answer.',
    },
    heading: { facts: 'Kept connections', race: 'Requests sent about when it closes' },
    fact: {
      first: 'first request',
      offered: 'keep-alive offered',
      kept: 'second request answered',
      says: 'says timeout / max',
      idle: 'idle connections closed after',
      roundTrip: 'round trip (handshake)',
      requests: 'requests on one connection',
      early: 'our FIN behind the request',
    },
    yes: 'yes',
    no: 'no',
    status: 'status {status} after {ms}, {server}',
    open: 'still working after {waited}',
    notAnswering: 'not closed, but dead after {waited}',
    spread: '{really} ({how}; {connections} connections, {least} to {most})',
    column: {
      offset: 'sent (ms from its close)',
      answered: 'answered',
      lost: 'lost',
      inTime: 'closed in time',
    },
    progress: {
      idle: 'Waiting for idle connections to be closed, {left} at most. Ctrl-C prints what is known.',
      race: 'Requests are sent about when it closes: over in {left}. Ctrl-C prints what is known.',
    },
  },
  idle: {
    sends: {
      http: '{request}, before and after each silence',
      file: '{octets} octets of {file}, before and after each silence',
      octet: 'one octet, before and after each silence',
      'mysql-ping': 'a MySQL login, and COM_PING before and after each silence',
      'keepalive-probe': 'no data, only a TCP keepalive probe after each silence',
    },
    progress: {
      head: '{elapsed} gone, {silent} connections silent. Ctrl-C prints what is known.',
      open: 'Over in {left} if none dies, else as long again after the first that does.',
      over: 'Over in {left}.',
      ladder: 'ladder {told} of {of}',
      fan: 'fan {told} of {of}',
      nothing: 'nothing known yet',
      survived: 'survives {survived}',
      between: 'dies between {from} and {to}',
    },
    unusable: '{name}: cannot tell, no connection worked even without a silence ({why}).',
    why: {
      nothing: 'interrupted too early',
      ECONNREFUSED: 'refused',
      timeout: 'no handshake in time',
      'no-answer': 'connected, but the request was not answered',
      'not-kept': 'the server closes after each answer: nothing is kept that could be idle',
      'no-http': 'what came is no HTTP',
      'no-mysql': 'what came is no MySQL',
      'no-greeting':
        'no MySQL greets there: a server that waits for its client to speak first, as PostgreSQL does, is asked without --mysql-ping, or by --send FILE',
      'mysql-auth': 'the MySQL server wants a way to log in that is not spoken here',
      'mysql-1045': 'the MySQL server refused the login: TCPWHY_MYSQL_USER, TCPWHY_MYSQL_PASSWORD',
      fin: 'closed before any answer',
      'not-liked':
        'the server ends the connection as soon as it has these octets: say what it takes, by --http PATH or --send FILE',
      TCPWHY_BUDGET: 'the budget of connections was spent',
    },
    none: '{name}: no limit up to {max}; a connection that was silent for so long still worked.',
    noneSoFar:
      '{name}: silences up to {max} were survived; longer ones were not tried to their end.',
    once: '{name}: a connection that carried nothing for {interval} was ended, but none that was begun later could be silent for as long. That may be its limit, or the target was stopped or restarted at that moment: ask again.',
    interval: 'between {from} and {to}',
    limit: {
      middlebox: {
        silent:
          'A hop between you and {name} forgets connections that carried nothing for {interval}, and drops what comes then without a word.',
        reset:
          'A hop between you and {name} forgets connections that carried nothing for {interval}, and answers what comes then with a RST.',
        fin: 'A hop between you and {name} closes connections that carried nothing for {interval} (FIN, from another distance than the handshake).',
      },
      server: {
        silent:
          'Connections to {name} that carried nothing for {interval} are dropped without a word.',
        reset: '{name} itself resets connections that carried nothing for {interval}.',
        fin: '{name} itself closes connections that carried nothing for {interval} (FIN).',
      },
      unknown: {
        silent:
          'Connections to {name} that carried nothing for {interval} are dropped without a word.',
        reset:
          'Connections to {name} that carried nothing for {interval} are reset; by whom cannot be told from here.',
        fin: 'Connections to {name} that carried nothing for {interval} are closed (FIN); by whom cannot be told from here.',
      },
    },
    keepalive: {
      helps: 'TCP keepalive ({keepalive}) resets its clock.',
      not: 'TCP keepalive ({keepalive}) does not help: only data counts.',
    },
    heartbeat: {
      helps: 'A request now and then keeps it alive.',
      not: 'A request now and then does not help either: it may be the age of the connection that counts, or the number of requests.',
    },
    differ: '{names}: no such limit, so it belongs to the path of {name} alone.',
    assumed: {
      afterAnswer: 'The silence began when the answer to a first request was there.',
      nothingSaid:
        'Nothing was said before the silence: a server that waits for a first request or a login may have another limit (--http PATH, --mysql-ping and --send FILE say one).',
      ladder: 'Whoever dies after a silence dies after every longer one.',
      notWatched: 'Who ended connections was not watched: {why}.',
      silent:
        'Silence is put down to a hop, because the same server went on answering new connections meanwhile.',
      ttl: 'TTLs tell who ended it: the same as in the SYN-ACK for the end that answered the handshake, another for a hop.',
      proxy:
        'A proxy or load balancer that answers handshakes itself is "the server" here: probe one server behind it as well.',
      sameTtl:
        'The RST had the TTL of the SYN-ACK: a box beside the server, or a server that lost its state, would look the same.',
    },
    heading: {
      table: 'Silences, each on a connection of its own',
      chart: 'Silence, on a logarithmic scale',
      advice: 'Settings below the limit',
      servers: 'Settings of servers: longer than the limit, so that clients let go first',
      inUse: 'Settings for what is in use here',
      assumed: 'Assumed',
    },
    column: {
      target: 'target',
      keepalive: 'keepalive',
      traffic: 'traffic',
      survived: 'survived',
      died: 'died from',
      how: 'how',
      by: 'by',
    },
    traffic: { none: 'none', heartbeat: 'heartbeat' },
    flavour: {
      reset: 'reset',
      silent: 'no answer',
      fin: 'closed (FIN)',
    },
    inUse: {
      given: '--for-client',
      banner: '{name} says that it is {banner} (Server)',
      greeting: '{name} says that it is {banner} (its greeting)',
      client: '{command} (pid {pid}) has {n} {n?connection|connections} to {name} here',
      server: '{command} (pid {pid}) serves {name} here',
      before:
        '{command} (pid {pid}) listens for {name} here, and {banner} ({field}) is behind it: what clients meet is the limit of {command}',
      behind:
        '{name} says that it is {banner} ({field}), but {command} (pid {pid}) listens there: its idle time-out is what clients meet; these are for what is behind it',
      field: { banner: 'Server', greeting: 'its greeting' },
      kept: '{name} says that it is {banner}, and closes when it says: Keep-Alive: timeout={promised}',
      proxy: {
        broken:
          '{name} promises Keep-Alive: timeout={promised} and closes sooner: a proxy in front that passes the promise on is likely. If it is HAProxy',
        via: '{name} answers through a proxy ({via}), which is then what closes. If it is HAProxy',
        perhaps:
          'If a proxy is in front of {name} and passes {banner} on, it is what closes: HAProxy',
      },
      own: {
        broken: 'If it is {banner} all the same (it tells clients a time of its own)',
        via: 'If it is {banner} ({field}) that closes all the same',
        perhaps:
          '{name} says that it is {banner} ({field}), and nothing else in front of it was seen',
      },
      sysctl:
        'programs here have {n} {n?connection|connections} to {name}; net.ipv4.tcp_keepalive_time is {now} now',
    },
    notKept:
      'Not all results could be kept in {path} ({code}): a later run cannot go on from all of them.',
    others: 'For others: --for-client NAME ({names}); --json has all.',
    legend: '. worked   R reset   F closed (FIN)   x no answer   ? unusable',
  },
  load: {
    sends: '{method} {url}',
    conclusion: {
      none: 'No request was finished in {duration}.',
      allFailed: 'All {failed} requests failed in {duration}; {count} of them: {kind}.',
      allAnswered:
        '{answered} requests answered in {duration} ({rate}/s), none failed; p50 {p50}, p99 {p99}.',
      someFailed:
        '{answered} requests answered in {duration} ({rate}/s), {failed} failed; {count} of them: {kind}. p50 {p50}, p99 {p99}.',
      ofSteps: '{answered} requests answered in {duration}, {failed} failed.',
      usedUp: {
        connections:
          'It ended early, after {duration}: the {connections} connections that were announced are used up (--max-connections).',
        requests:
          'It ended early, after {duration}: the {requests} requests that were announced are used up (--count).',
      },
    },
    tipping: {
      same: 'From {at} on more concurrency gives no more requests/s ({rate}, and {lastRate} at {last}), and p99 goes from {p99} to {lastP99}.',
      fewer:
        'From {at} on more concurrency gives fewer requests/s ({rate}, and {lastRate} at {last}), and p99 goes from {p99} to {lastP99}.',
      first: 'That is the least that was tried: the tipping point may be below.',
      busy: 'But this probe used {cpu} % of a core itself: whether the server or the probe did not go faster cannot be told.',
      none: 'No tipping point up to {last}: requests/s still grow ({beforeRate} at {before}, {lastRate} at {last}); p99 is {lastP99} there.',
      noise:
        'No tipping point below {at}; whether more than {at} gives more requests/s cannot be told ({rate}, and {lastRate} at {last}, which rates here differ by anyway): try larger steps, or a longer --for.',
      few: 'Where it tips cannot be told: fewer than two steps ran to their end and were answered.',
      fails: 'At {failsFrom} {percent} % of the requests fail: {kind}.',
    },
    heading: {
      steps: 'Step by step (latency corrected for coordinated omission)',
      failures: 'Failed requests, by what TCP saw',
      latency: 'Latency',
      connections: 'Connections',
      seconds: 'Second by second',
    },
    column: {
      concurrency: 'at once',
      rate: 'requests/s',
      p999: 'p99.9',
      how: 'what failed requests died of',
      failure: 'failure',
      requests: 'requests',
      reused: 'on a used connection',
      first: 'first at',
      second: 's',
      answered: 'answered',
      failed: 'failed',
      p50: 'p50',
      p99: 'p99',
      max: 'max',
      open: 'open',
      waiting: 'waiting',
      commonest: 'commonest failure',
    },
    measured: 'measured',
    corrected: {
      'from-due-time': 'from when it was due',
      'expected-interval': 'corrected (coordinated omission)',
    },
    statuses: 'Responses by status: {list}.',
    opened: '{opened} opened for {begun} requests; handshake p50 {p50}, p99 {p99}, longest {max}.',
    openedNone: '{opened} opened for {begun} requests; no handshake was finished.',
    slow: '{n} handshakes took 0.9 s or longer: a SYN or SYN-ACK was sent again, as when a listen queue is full.',
    unfinished: '{n} requests still waited when time was up.',
    notBegun:
      '{n} more {n?request was|requests were} due, but every connection was busy: raise --concurrency, or the server is slower than --rate.',
    rate: '{rate} ± {error}',
    cutShort: 'At {list} the step did not last its whole time: it is not compared.',
    fewAnswers: 'At {list} fewer than 1,000 requests were answered: p99.9 is the longest of them.',
    secondsLeftOut: '({n} more seconds: --json has them all)',
  },
} as const
