// The experiments: `tcpwhy probe`.
export { type IdleRequest, probeIdle } from './idle.ts'
export { type LoadRequest, probeLoad } from './load.ts'
