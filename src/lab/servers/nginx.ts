import { readFileSync } from 'node:fs'
import type { Host } from '../stage/host.ts'
import type { Running } from '../stage/process.ts'
import type { Stage } from '../stage/stage.ts'

export interface NginxOptions {
  /** `listen 80 backlog=N`; absent: nginx's own 511. */
  backlog?: number
  keepaliveTimeoutS?: number
  workerConnections?: number
  /** What `location /` does. */
  location?: string
  /** What stands beside `server`: an `upstream`. */
  http?: string
  port?: number
}

/** A real nginx with one worker, its files in the stage's folder. */
export interface Nginx {
  master: Running
  worker: number
}

export async function startNginx(
  stage: Stage,
  host: Host,
  options: NginxOptions = {},
): Promise<Nginx> {
  const { port = 80 } = options
  const name = `nginx-${host.name}-${port}`
  const path = stage.write(`${name}.conf`, configuration(stage, name, options))
  const master = await host.spawn(['nginx', '-c', path], { port, log: `${name}.out` })
  const children = `/proc/${master.pid}/task/${master.pid}/children`
  const workers = () => readFileSync(children, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  await stage.until('nginx has a worker', () => workers().length > 0)
  const worker = workers()[0]!
  // A story may let it stand still: its master would wait for it.
  stage.undo.add("letting nginx's worker run", () => process.kill(worker, 'SIGCONT'))
  return { master, worker }
}

function configuration(stage: Stage, name: string, options: NginxOptions): string {
  const { backlog, keepaliveTimeoutS = 10, workerConnections = 16_384, port = 80 } = options
  const { location = 'return 200 "in stock: 12\\n";', http = '' } = options
  return `daemon off; worker_processes 1; user root; worker_rlimit_nofile 32768;
error_log ${stage.path(`${name}.log`)} warn; pid ${stage.path(`${name}.pid`)};
events { worker_connections ${workerConnections}; }
http {
  access_log off;
  client_body_temp_path ${stage.path('body')}; proxy_temp_path ${stage.path('proxy')};
  fastcgi_temp_path ${stage.path('fastcgi')}; uwsgi_temp_path ${stage.path('uwsgi')}; scgi_temp_path ${stage.path('scgi')};
  ${http}
  server {
    listen ${port}${backlog === undefined ? '' : ` backlog=${backlog}`};
    keepalive_timeout ${keepaliveTimeoutS}s;
    location / { ${location} }
  }
}
`
}
