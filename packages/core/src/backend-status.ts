/** What a guard says of its backend. */

/** What `status()` says of the backend. */
export interface BackendStatus {
  /**
   * `local`: there is none. `passthrough`: the guard is off. `connecting`: calls wait for the first answer, for 3 seconds at
   * most. `unavailable`: own limits hold, events are kept. `rejected`: the backend takes nothing from this key or agent.
   */
  readonly state: 'local' | 'passthrough' | 'connecting' | 'connected' | 'unavailable' | 'rejected' | 'closed';
  /** Whether kills and limits come at once; else at the next poll. */
  readonly realtime: boolean;
  /** Events that wait to be delivered. */
  readonly pending: number;
  /** Events that were lost: the buffer was full. */
  readonly dropped: number;
}
