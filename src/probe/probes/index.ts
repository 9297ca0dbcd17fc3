import { load } from './load.ts'

/** Every experiment, sorted by id. */
export const probes = [load] as const
