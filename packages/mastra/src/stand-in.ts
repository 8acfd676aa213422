/** Stand-ins for Mastra's model objects. */

/** The same object with other methods; its own run on itself, since its private fields are not on the stand-in. */
export function withMethods<T extends object>(object: T, methods: Readonly<Record<string, unknown>>): T {
  return new Proxy(object, {
    get: (target, key) => {
      const method = typeof key === 'string' ? methods[key] : undefined;
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || key === 'constructor') return value;
      return (value as (...args: unknown[]) => unknown).bind(target);
    },
  });
}
