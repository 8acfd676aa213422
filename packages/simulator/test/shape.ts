/** Compares JSON with a hand-written shape: every key must be there with its type, and no key that the shape lacks. */

/** `'string'`, `'number|null'`, …; `{ key: shape, 'key?': shape }`; `[shape]` for a list whose items all have it. */
export type Shape = string | readonly [Shape] | { readonly [key: string]: Shape };

/** The differences, as sentences; empty when the value has the shape. */
export function differences(value: unknown, shape: Shape, path = '$'): string[] {
  if (typeof shape === 'string') {
    const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    return shape === 'any' || shape.split('|').includes(type) ? [] : [`${path} is ${type}, not ${shape}`];
  }
  if (isItems(shape)) {
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((item, index) => differences(item, shape[0], `${path}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  const known = new Set(Object.keys(shape).map((key) => key.replace('?', '')));
  const unknown = Object.keys(value).filter((key) => !known.has(key));
  return [
    ...unknown.map((key) => `${path}.${key} is not in the real shape`),
    ...Object.entries(shape).flatMap(([key, inner]) => {
      const name = key.replace('?', '');
      if (!(name in value)) return key.endsWith('?') ? [] : [`${path}.${name} is missing`];
      return differences(Reflect.get(value, name), inner, `${path}.${name}`);
    }),
  ];
}

function isItems(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
