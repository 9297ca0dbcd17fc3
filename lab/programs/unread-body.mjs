// The same mistake with fetch (undici): the header is read, the body is left to the collector.
// node --expose-gc unread-body.mjs SECONDS faulty|fixed URL...
const [seconds, mode, ...urls] = process.argv.slice(2)
const end = Date.now() + 1000 * Number(seconds)
let collect = Date.now() + 3000
let turn = 0
while (Date.now() < end) {
  await ask(urls[turn++ % urls.length])
  await pause(120 + ((turn * 37) % 160))
  if (Date.now() > collect) {
    collect += 3000
    globalThis.gc()
  }
}
globalThis.gc()
await pause(500)
process.exit(0)

async function ask(url) {
  const response = await fetch(url, mode === 'fixed' ? { method: 'HEAD' } : {})
  process.stdout.write(`${url} ${response.headers.get('last-modified')}\n`)
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
