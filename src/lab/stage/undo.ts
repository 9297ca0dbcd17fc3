/** What has been done and must be undone, last first, whatever happens in between. */
export class Undo {
  private steps: { what: string; undo: () => unknown }[] = []
  private isOver = false

  /** After `all` it is undone at once: Ctrl-C does not wait for what is just being made. */
  add(what: string, undo: () => unknown): void {
    this.steps.push({ what, undo })
    if (this.isOver) this.all().catch(() => {})
  }

  /** Every step is tried; @returns what could not be undone, with the reason. */
  async all(): Promise<string[]> {
    this.isOver = true
    const failed: string[] = []
    while (this.steps.length > 0) {
      const { what, undo } = this.steps.pop()!
      try {
        await undo()
      } catch (error) {
        failed.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return failed
  }
}
