import ts from 'typescript';
import { parse, type SFCTemplateBlock } from 'vue/compiler-sfc';

/** What a template or a script says in words of its own, which no translation would reach. */

/** Attributes that are read or heard. */
const spoken = new Set([
  'title',
  'label',
  'aria-label',
  'placeholder',
  'alt',
  'description',
  'text',
  'retry',
  'choose',
  'hint',
  'note',
]);
/** A sentence or its beginning: a capital and small letters, or three words. */
const words = /^[A-Z][a-z]+([\s,.:;!?…’'”)]|$)|[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}/;

interface Node {
  type: number;
  content?: string | Node;
  children?: Node[];
  branches?: Node[];
  props?: { type: number; name: string; value?: { content: string }; exp?: Node; arg?: Node }[];
}

export function literalsIn(name: string, text: string): string[] {
  if (!name.endsWith('.vue')) return inScript(text);
  const { descriptor } = parse(text, { filename: name });
  return [...inTemplate(descriptor.template), ...inScript(descriptor.scriptSetup?.content ?? '')];
}

function inTemplate(block: SFCTemplateBlock | null): string[] {
  const found: string[] = [];
  const expression = (node: Node | undefined): void => {
    if (typeof node?.content === 'string') found.push(...inScript(`(${node.content})`));
  };
  const visit = (node: Node): void => {
    if (node.type === 2 && typeof node.content === 'string' && /\p{L}{2}/u.test(node.content))
      found.push(node.content.trim());
    if (node.type === 5 && typeof node.content === 'object') expression(node.content);
    for (const prop of node.props ?? []) {
      if (prop.type === 6 && spoken.has(prop.name) && /\p{L}{2}/u.test(prop.value?.content ?? ''))
        found.push(prop.value!.content);
      if (prop.type === 7) expression(prop.exp);
    }
    for (const child of node.children ?? []) visit(child);
  };
  if (block?.ast) visit(block.ast as unknown as Node);
  return found;
}

function inScript(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    // Names of modules and errors for the makers are no words for the user.
    if (ts.isImportDeclaration(node)) return;
    const plain =
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node);
    if (plain && words.test(node.text.trim())) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('script.ts', text, ts.ScriptTarget.Latest, false));
  return found;
}
