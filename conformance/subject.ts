/**
 * A subject is one way in: one place where a framework's user puts the guard. All of them take the same task, so that
 * the same scenario can be played through each.
 */
import type { AgentKavach, KavachOptions } from '@agentkavach/core';
import type { Provider, Script, Simulator } from '@agentkavach/simulator';
import type { Expectation } from './scenario.ts';

/** A tool of the simulated model. It takes no arguments; what it answers goes back to the model. */
export interface ToolSpec {
  readonly name: string;
  readonly execute: () => string | Promise<string>;
}

/** What a subject is asked to do. */
export interface Task {
  readonly guard: AgentKavach;
  readonly prompt: string;
  /** Default: the subject's own model. */
  readonly model?: string | undefined;
  /** The output cap in tokens that the user sets. Default: none. */
  readonly maxOutputTokens?: number | undefined;
  /** With tools the subject goes on until the model asks for none. Default: none. */
  readonly tools?: readonly ToolSpec[] | undefined;
  /** How often a failed request is sent again. Default 0. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Takes the text of a stream as it comes; `leave` breaks out of it. Other subjects never call it. */
  readonly onText?: ((text: string) => 'leave' | undefined) | undefined;
  /** The answer may come from the framework's cache; the subject keeps one for as long as it is open. Default false. */
  readonly cached?: boolean | undefined;
  /** The loop is to end by itself, without an error, before a call that would be refused. Default false. */
  readonly stops?: boolean | undefined;
}

/** Does a task: gives the last text, or rejects with what the framework throws at its caller. */
export type Client = (task: Task) => Promise<string>;

/**
 * How a subject departs from the contract, and why. `absent`: the scenario can't be had there. `differs`: it is played,
 * and this is what holds instead.
 */
export type Departure =
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'differs'; readonly why: string; readonly expected: Partial<Expectation> };

/** One way in. */
export interface Subject {
  /** The framework, as the page's heading. */
  readonly framework: string;
  /** The way in, as its user writes it. */
  readonly name: string;
  readonly provider: Provider;
  /** A model with a price that the simulator knows too. */
  readonly model: string;
  /** Another one of the same provider, which costs less. */
  readonly cheaper: string;
  /** Whether it streams. */
  readonly streams: boolean;
  /** Whether the framework has a cache of answers. Default false. */
  readonly caches?: boolean;
  /** Whether its loops can end by themselves before a call that would be refused. Default false. */
  readonly stops?: boolean;
  /** Set where the caller gets a copy of our error, which has its `code` but not its class: how that comes. */
  readonly copiesErrors?: string;
  /** What the guard has to know to ask by itself. Default: nothing. */
  readonly options?: (sim: Simulator) => KavachOptions;
  /** Answers what the framework asks by itself, in shapes of its own. Default: the scenario's script answers everything. */
  readonly answering?: (script: Script) => Script;
  /** By the scenario's id. */
  readonly departures?: Readonly<Record<string, Departure>>;
  /** Makes a client of the simulated provider. */
  open(sim: Simulator): Client;
}
