import { machineTable } from '../../../test/helpers/machine-table.ts'
import { receivePathDrop } from '../receive-path-drop.ts'

machineTable(receivePathDrop, [
  {
    name: 'the backlog of a processor was full',
    counters: { 'softnet.dropped': [0, 40] },
    is: 'confirmed',
    count: 40,
  },
  {
    name: 'an interface dropped',
    netns: { interfaces: [{ name: 'eth0', counters: new Map([['rx_dropped', 90]]) }] },
    netnsBefore: { interfaces: [{ name: 'eth0', counters: new Map([['rx_dropped', 10]]) }] },
    is: 'likely',
    count: 80,
  },
  {
    name: 'near miss: a few, which frames of unknown protocols are',
    netns: { interfaces: [{ name: 'eth0', counters: new Map([['rx_dropped', 12]]) }] },
    netnsBefore: { interfaces: [{ name: 'eth0', counters: new Map([['rx_dropped', 10]]) }] },
    is: 'nothing',
  },
  { name: 'near miss: nothing rose', counters: { 'softnet.dropped': [40, 40] }, is: 'nothing' },
])
