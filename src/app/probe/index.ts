// The experiments: `tcpwhy probe`.
export { type BacklogRequest, probeBacklog } from './backlog.ts'
export { type ConnectRequest, probeConnect } from './connect.ts'
export { type HttpRequest, probeHttp } from './http.ts'
export { type IdleRequest, probeIdle } from './idle.ts'
export { type LoadRequest, probeLoad } from './load.ts'
