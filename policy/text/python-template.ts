/**
 * Jinja as Python renders it, where the library differs without an error: true is printed as True, none as None, and
 * lists as Python writes them; `strip` takes characters; what an iteration has printed before a break or continue stays.
 * Templates come with checkpoints from anywhere: their work, and the size of their values, are bounded.
 */
import {
  BaseInterpreter,
  BaseScope,
  type Node,
  parseJinja,
  type Scope,
  statements,
  type Value,
} from '../../core/jinja.ts';

/** A break or continue on its way to its loop. */
class LoopControl extends Error {
  readonly isBreak: boolean;
  /** What the iteration has printed. */
  text = '';

  constructor(isBreak: boolean) {
    super(`${isBreak ? 'break' : 'continue'} outside of a loop`);
    this.isBreak = isBreak;
  }
}

/** A chat of a hundred messages takes some ten thousand. */
const evaluationCountMax = 1_000_000;
/** Characters of a text, or characters and members of a list or object. */
const sizeMax = 1 << 23;
/** That of Jinja's sandbox, in which transformers renders templates. */
const rangeLengthMax = 100_000;

class PythonInterpreter extends BaseInterpreter {
  readonly #sizes = new WeakMap<Value, number>();
  #evaluationCount = 0;
  readonly #loops = new Set<readonly Node[]>();
  /** Bodies of loops that have ended by a break: their further iterations print nothing. */
  readonly #ended = new Set<readonly Node[]>();

  override evaluate(node: Node | undefined, scope: Scope): Value {
    this.#count();
    const value = this.#valueOf(node, scope);
    this.#sizeOf(value);
    return value;
  }

  #count(): void {
    if (++this.#evaluationCount > evaluationCountMax)
      throw new Error(`it takes more than ${String(evaluationCountMax)} evaluations`);
  }

  /** A value that occurs twice counts twice, since it is printed twice. */
  #sizeOf(value: Value): number {
    if (value.type === 'StringValue') return bounded(String(value.value).length);
    const members = membersOf(value);
    if (members === undefined) return 1;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    // One that contains itself counts once here, and cannot be printed.
    this.#sizes.set(value, 1);
    const size = bounded(members.reduce((sum, member) => sum + this.#sizeOf(member), 1));
    this.#sizes.set(value, size);
    return size;
  }

  #valueOf(node: Node | undefined, scope: Scope): Value {
    if (node === undefined) return super.evaluate(node, scope);
    if (node.type === 'Break' || node.type === 'Continue') throw new LoopControl(node.type === 'Break');
    if (node.type === 'For' && node.body !== undefined) {
      this.#loops.add(node.body);
      this.#ended.delete(node.body);
    }
    if (node.type === 'BinaryExpression' && node.operator?.value === '~') {
      const [left, right] = [node.left, node.right].map((side) => side && printed(this.evaluate(side, scope)));
      return this.#text(`${left ?? ''}${right ?? ''}`, scope);
    }
    return this.#stripped(node, scope) ?? super.evaluate(node, scope);
  }

  override evaluateBlock(nodes: readonly Node[], scope: Scope): Value {
    this.#count();
    if (this.#ended.has(nodes)) return this.#text('', scope);
    let text = '';
    try {
      for (const node of nodes) {
        const value = this.evaluate(node, scope);
        const isSilent = value.type === 'NullValue' && statements.has(node.type);
        text += isSilent ? '' : printed(value);
      }
    } catch (error) {
      if (!(error instanceof LoopControl)) throw error;
      error.text = text + error.text;
      if (!this.#loops.has(nodes)) throw error;
      if (error.isBreak) this.#ended.add(nodes);
      text = error.text;
    }
    return this.#text(text, scope);
  }

  #text(text: string, scope: Scope): Value {
    return super.evaluate({ type: 'StringLiteral', value: text }, scope);
  }

  /** The text of `'...'.strip('...')`; undefined for any other expression. */
  #stripped({ type, callee, args = [] }: Node, scope: Scope): Value | undefined {
    const [given] = args;
    if (type !== 'CallExpression' || callee?.type !== 'MemberExpression' || given === undefined) return undefined;
    const name = callee.property?.value;
    if ((name !== 'strip' && name !== 'lstrip' && name !== 'rstrip') || callee.object === undefined) return undefined;
    const [text, characters] = [this.evaluate(callee.object, scope), this.evaluate(given, scope)];
    if (text.type !== 'StringValue' || characters.type !== 'StringValue') return undefined;
    return this.#text(strip(String(text.value), String(characters.value), name), scope);
  }
}

function membersOf({ type, value }: Value): readonly Value[] | undefined {
  if (type === 'ArrayValue' || type === 'TupleValue') return value as readonly Value[];
  return type === 'ObjectValue' ? [...(value as ReadonlyMap<string, Value>).values()] : undefined;
}

function bounded(size: number): number {
  if (size <= sizeMax) return size;
  throw new Error(`a value of more than ${String(sizeMax)} characters and members`);
}

function strip(text: string, characters: string, name: 'strip' | 'lstrip' | 'rstrip'): string {
  const all = Array.from(text);
  const isKept = (character: string): boolean => !characters.includes(character);
  const from = name === 'rstrip' ? 0 : all.findIndex(isKept);
  const to = name === 'lstrip' ? all.length : all.findLastIndex(isKept) + 1;
  return from < 0 ? '' : all.slice(from, to).join('');
}

/** As `str` of Python writes the value. */
function printed(value: Value): string {
  if (value.type === 'UndefinedValue') return '';
  return value.type === 'StringValue' ? String(value.value) : written(value);
}

/** As `repr` of Python writes the value. */
function written(value: Value): string {
  switch (value.type) {
    case 'BooleanValue':
      return value.value === true ? 'True' : 'False';
    case 'NullValue':
      return 'None';
    case 'StringValue':
      return quoted(String(value.value));
    case 'ArrayValue':
      return `[${(value.value as readonly Value[]).map(written).join(', ')}]`;
    case 'TupleValue': {
      const [first, ...others] = (value.value as readonly Value[]).map(written);
      return others.length === 0
        ? `(${first ?? ''}${first === undefined ? '' : ','})`
        : `(${[first, ...others].join(', ')})`;
    }
    case 'ObjectValue': {
      const members = [...(value.value as ReadonlyMap<string, Value>)];
      return `{${members.map(([key, each]) => `${quoted(key)}: ${written(each)}`).join(', ')}}`;
    }
    default:
      return value.toString();
  }
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}

export type ChatTemplate = (values: Readonly<Record<string, unknown>>) => string;

/** Compiles a chat template. Throws a plain Error if it is not Jinja; the returned function, if it cannot be rendered. */
export function pythonTemplate(text: string): ChatTemplate {
  const program = parseJinja(text);
  return (values) => {
    const scope = new BaseScope();
    for (const [name, value] of Object.entries({ ...globals, ...values })) scope.set(name, value);
    return String(new PythonInterpreter(scope).run(program).value);
  };
}

const globals: Readonly<Record<string, unknown>> = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
  range: (start: number, stop?: number, step = 1): number[] => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    if (step === 0) throw new Error('range() needs a step');
    const length = Math.max(0, Math.ceil((to - from) / step));
    if (!(length <= rangeLengthMax)) throw new Error(`range() has more than ${String(rangeLengthMax)} numbers`);
    return Array.from({ length }, (_, i) => from + i * step);
  },
  raise_exception: (message: string) => {
    throw new Error(message);
  },
};
