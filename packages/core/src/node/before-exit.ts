/** Does what is left when a process is about to end by itself: once for each new piece of work, or the process would never end. */

/** One who may have something left to do. */
export interface Leaver {
  /** Whether there is something to do now that was not there at the last {@link leave}. */
  readonly hasWork: boolean;
  leave(): Promise<void>;
}

const leavers = new Set<Leaver>();

/** Asks a leaver when nothing else keeps the process alive. @returns a function that forgets it */
export function beforeExit(leaver: Leaver): () => void {
  if (leavers.size === 0) process.on('beforeExit', ask);
  leavers.add(leaver);
  return () => {
    leavers.delete(leaver);
    if (leavers.size === 0) process.off('beforeExit', ask);
  };
}

function ask(): void {
  for (const leaver of leavers) if (leaver.hasWork) void leaver.leave();
}
