export interface UnitRef {
  /** Id of the layer. */
  layer: string;
  unit: number;
}

export const refKey = ({ layer, unit }: UnitRef): string => `${encodeURIComponent(layer)}:${unit}`;

/** "conv3:5,conv4:12", as an address holds them; a layer's own colons and commas are escaped. */
export const writeRefs = (refs: readonly UnitRef[]): string => refs.map(refKey).join(',');

/** What is not a unit, and what stands there twice, is left out. */
export function readRefs(text: string): UnitRef[] {
  const found = new Map<string, UnitRef>();
  for (const part of text.split(',')) {
    const match = /^([^:]+):(\d{1,9})$/.exec(part);
    if (!match) continue;
    try {
      const ref = { layer: decodeURIComponent(match[1]!), unit: Number(match[2]) };
      found.set(refKey(ref), ref);
    } catch {
      // Torn escapes: a link may hold anything.
    }
  }
  return [...found.values()];
}
