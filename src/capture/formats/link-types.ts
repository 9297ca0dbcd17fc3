// https://www.tcpdump.org/linktypes.html; libpcap 1.10 pcap-common.c (LT_LINKTYPE, LINKTYPE_RAW and its older values).

/** LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header. */
export const LINKTYPE_RAW = 101

/** The LINKTYPE_ number of a file's link field: the length of the frame check sequence is in its upper bits. */
export function linkTypeOf(field: number): number {
  const link = field & 0x03ff_ffff
  // DLT_RAW was 12 or 14 depending on the BSD, and some programs wrote that instead of 101.
  return link === 12 || link === 14 ? LINKTYPE_RAW : link
}
