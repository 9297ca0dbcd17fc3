// capture-headers.ts OPTIONS: prints "listening" once packets are captured, then the result as JSON, and leaves the file.
import { captureHeaders } from '../../src/app/capture/headers.ts'

const options = JSON.parse(process.argv[2] ?? '{}')
const onListening = () => console.log('listening')
const { remove: _, ...result } = await captureHeaders({ ...options, onListening })
console.log(JSON.stringify(result))
