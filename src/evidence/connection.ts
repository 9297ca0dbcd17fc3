// The facts of one connection, as the flow layer gives them; causes import them from here.
export type * from '../flow/facts.ts'
