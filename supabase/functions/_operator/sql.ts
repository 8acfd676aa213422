/** The types of what queries are written with. */
import type { PendingQuery, Row, TransactionSql } from 'postgres';

/** A transaction of `Database.as`. */
export type Sql = TransactionSql;

/** A part of a query. */
export type Fragment = PendingQuery<Row[]>;
