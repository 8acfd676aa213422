/** What can go wrong between a folder and a running PostgreSQL, as errors that a program can tell apart. */

/** Who owns a data folder: written into its lock file. */
export interface Holder {
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Where the holder answers, once it does. */
  readonly url?: string;
}

/** Another process works on this data folder. */
export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError';
  readonly folder: string;
  readonly holder: Holder;

  constructor(folder: string, holder: Holder) {
    const where = holder.url === undefined ? '' : ` and answers at ${holder.url}`;
    super(
      `The data folder ${folder} is in use: process ${holder.pid} holds it since ${new Date(holder.since).toISOString()}${where}. ` +
        `Use that one, stop it, or choose another folder.`,
    );
    this.folder = folder;
    this.holder = holder;
  }
}

/** PostgreSQL cannot run here, or did not start. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
}

/** A migration failed and was rolled back; those before it stay. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  /** The file's name. */
  readonly file: string;
  /** The number of the statement in the file, from 1; 0 where the whole file is meant. */
  readonly statement: number;

  constructor(file: string, statement: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
    this.statement = statement;
  }
}
