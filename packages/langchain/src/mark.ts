/** How the layers of this package know a guarded model: by marks on it, and on what its callbacks are told of it. */
import type { AgentKavach } from '@agentkavach/core';

/** The guards of a guarded model, outermost first. */
export const GUARDS = Symbol.for('agentkavach.langchain.guards');
/** The model under the guards. */
export const TARGET = Symbol.for('agentkavach.langchain.target');

const NONE: readonly AgentKavach[] = [];

/** The guards of a model, or of the serialised model that callbacks get. */
export function guardsOf(value: unknown): readonly AgentKavach[] {
  if (typeof value !== 'object' || value === null) return NONE;
  return (Reflect.get(value, GUARDS) as readonly AgentKavach[] | undefined) ?? NONE;
}

/** The model that a guarded one stands for. */
export function targetOf<M extends object>(model: M): M {
  return (Reflect.get(model, TARGET) as M | undefined) ?? model;
}

/** Marks a serialised model; the mark is no part of its JSON. */
export function mark<T>(value: T, guards: readonly AgentKavach[]): T {
  if (typeof value === 'object' && value !== null) Object.defineProperty(value, GUARDS, { value: guards });
  return value;
}
