import { createRequire } from 'node:module';
import { Random } from './random.ts';

/** Which emoji there are, what class each belongs to, who drew it, and which are held out. */

export interface Emoji {
  /** Unicode code points, lower case, without variation selectors: `2764`, `1f468-200d-1f692`. */
  code: string;
  /** As in file names: `red-heart`. */
  name: string;
  classIndex: number;
  /** True where no style of this emoji is ever shown in training. */
  heldOut: boolean;
  /** SVG source by style; a style that does not draw this emoji is absent. */
  drawings: Map<Style, string>;
}

/** Styles to train on, and one that only tests: what the network makes of a hand it has never seen. */
export const trainStyles = ['noto', 'fluent-emoji-flat', 'fluent-emoji', 'twemoji'] as const;
export const testStyle = 'fxemoji';
export type Style = (typeof trainStyles)[number] | typeof testStyle;
const styles: readonly Style[] = [...trainStyles, testStyle];

/**
 * Class name and the emojibase subgroups in it. Subgroups that differ in meaning rather than in looks are together;
 * subgroups of odds and ends (body parts, "other" symbols, money and so on) are left out.
 */
const classes: Record<string, string[]> = {
  'happy-face': ['face-smiling', 'face-affection', 'face-tongue'],
  'neutral-face': ['face-neutral-skeptical', 'face-sleepy'],
  'unhappy-face': ['face-unwell', 'face-concerned', 'face-negative'],
  'cat-or-monkey-face': ['cat-face', 'monkey-face'],
  heart: ['heart'],
  hand: ['hand-fingers-open', 'hand-fingers-partial', 'hand-single-finger', 'hand-fingers-closed', 'hands', 'hand-prop'],
  person: ['person', 'person-gesture'],
  'person-at-work': ['person-role'],
  'fantasy-person': ['person-fantasy'],
  'person-moving': ['person-activity', 'person-sport'],
  mammal: ['animal-mammal'],
  bird: ['animal-bird'],
  reptile: ['animal-reptile', 'animal-amphibian'],
  'sea-animal': ['animal-marine'],
  bug: ['animal-bug'],
  flower: ['plant-flower'],
  plant: ['plant-other'],
  fruit: ['food-fruit'],
  vegetable: ['food-vegetable'],
  meal: ['food-prepared', 'food-asian'],
  sweet: ['food-sweet'],
  drink: ['drink'],
  landscape: ['place-geographic'],
  building: ['place-building', 'place-religious'],
  'land-vehicle': ['transport-ground'],
  ship: ['transport-water'],
  aircraft: ['transport-air'],
  clock: ['time'],
  'sky-and-weather': ['sky-weather'],
  celebration: ['event'],
  medal: ['award-medal'],
  sport: ['sport'],
  game: ['game'],
  clothing: ['clothing'],
  music: ['sound', 'music', 'musical-instrument'],
  'phone-or-computer': ['phone', 'computer'],
  'light-or-camera': ['light-video'],
  'book-or-paper': ['book-paper'],
  mail: ['mail'],
  'pen-or-pencil': ['writing'],
  office: ['office'],
  lock: ['lock'],
  tool: ['tool'],
  household: ['household'],
  'traffic-sign': ['transport-sign', 'warning'],
  arrow: ['arrow'],
  religion: ['religion'],
  zodiac: ['zodiac'],
  'player-button': ['av-symbol'],
  keycap: ['keycap'],
  letters: ['alphanum'],
  shape: ['geometric'],
  'country-flag': ['country-flag'],
};

export const classNames: readonly string[] = Object.keys(classes);

/** Classes that lose their meaning in a mirror. */
const unmirrored = new Set(['clock', 'arrow', 'zodiac', 'player-button', 'keycap', 'letters', 'traffic-sign']);
export const mayMirror = (classIndex: number): boolean => !unmirrored.has(classNames[classIndex]);

interface IconSet {
  icons: Record<string, { body: string; width?: number; height?: number; left?: number; top?: number }>;
  width?: number;
  height?: number;
}

interface EmojibaseEntry {
  label: string;
  hexcode: string;
  subgroup?: number;
}

const require = createRequire(import.meta.url);
const plainCode = (code: string): string =>
  code
    .toLowerCase()
    .split('-')
    .filter((part) => part !== 'fe0f')
    .join('-');

/**
 * SVG source by plain code. A set names its icons in words, with a table of codes beside them; fluent-emoji shares the
 * table of fluent-emoji-flat, and fxemoji has none: there the label, written in one word, has to match.
 */
function readStyle(style: Style, entries: readonly EmojibaseEntry[]): Map<string, string> {
  const set = require(`@iconify-json/${style}/icons.json`) as IconSet;
  const names = new Map<string, string>();
  if (style === 'fxemoji') {
    for (const { label, hexcode } of entries) names.set(plainCode(hexcode), label.toLowerCase().replace(/[^a-z0-9]/g, ''));
  } else {
    const table = style === 'fluent-emoji' ? 'fluent-emoji-flat' : style;
    const chars = require(`@iconify-json/${table}/chars.json`) as Record<string, string>;
    for (const [code, name] of Object.entries(chars)) names.set(plainCode(code), name);
  }
  const drawings = new Map<string, string>();
  for (const [code, name] of names) {
    const icon = set.icons[name];
    if (!icon) continue;
    const box = [icon.left ?? 0, icon.top ?? 0, icon.width ?? set.width ?? 16, icon.height ?? set.height ?? 16];
    const open = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
    drawings.set(code, `${open} viewBox="${box.join(' ')}">${icon.body}</svg>`);
  }
  return drawings;
}

/** All emoji of all classes; a fifth of each class is held out. */
export function readEmoji(seed: number): Emoji[] {
  const entries = require('emojibase-data/en/data.json') as EmojibaseEntry[];
  const { subgroups } = require('emojibase-data/en/messages.json') as { subgroups: { key: string; order: number }[] };
  const drawn = new Map(styles.map((style) => [style, readStyle(style, entries)]));
  const classOf = new Map<number, number>();
  classNames.forEach((name, index) => {
    for (const { key, order } of subgroups) if (classes[name].includes(key)) classOf.set(order, index);
  });

  const emoji: Emoji[] = [];
  for (const { label, hexcode, subgroup } of entries) {
    const classIndex = classOf.get(subgroup ?? -1);
    if (classIndex === undefined) continue;
    const code = plainCode(hexcode);
    const drawings = new Map<Style, string>();
    for (const style of styles) {
      const svg = drawn.get(style)?.get(code);
      if (svg) drawings.set(style, svg);
    }
    const name = label
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    if (drawings.size > 0) emoji.push({ code, name: name || code, classIndex, heldOut: false, drawings });
  }

  classNames.forEach((_, classIndex) => {
    const members = emoji.filter((e) => e.classIndex === classIndex);
    const held = new Random(seed, classIndex).shuffled(members).slice(0, Math.round(members.length / 5));
    for (const e of held) e.heldOut = true;
  });
  return emoji;
}
