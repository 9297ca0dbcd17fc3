/** What makes `tcpwhy capture` keep what it has: as typed behind --trigger. */
export type TriggerSpec =
  | { kind: 'reset-burst'; count: number; withinMs: number }
  | { kind: 'overflow' }
  | { kind: 'close-wait'; count: number }
  | { kind: 'log'; path: string; pattern: RegExp }

/** Something was seen. `values` fill the sentence of its kind in messages/en/capture.ts. */
export interface Fired {
  kind: TriggerSpec['kind']
  values: Record<string, string | number>
}

/** Looked at once a second; gives what it saw, or null. */
export interface PolledTrigger {
  poll(): Fired | null
  close?(): void
}
