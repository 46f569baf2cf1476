/** Where a template's paths may start. */
export const TEMPLATE_ROOTS = ['context', 'contact', 'flow', 'session', 'reply'] as const;
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number];

/** The filters, and the argument each takes. `decimals` is 0 to 20, `format` a pattern such as dd.MM.yyyy. */
const FILTER_ARGUMENTS = {
  default: 'any',
  upper: 'none',
  lower: 'none',
  trim: 'none',
  number: 'decimals',
  date: 'format',
  json: 'none',
  urlencode: 'none',
} as const;
export type TemplateFilterName = keyof typeof FILTER_ARGUMENTS;

export interface TemplateFilter {
  name: TemplateFilterName;
  argument?: string | number;
}

/** One `{{ … }}`: `{{ context.cart.total | number: 2 }}` has the root context and the path cart, total. */
export interface TemplateValue {
  root: TemplateRoot;
  path: string[];
  filters: TemplateFilter[];
}

/** A parsed text: literal stretches and values, in order. */
export type TemplatePart = string | TemplateValue;
export type ParsedTemplate = { parts: TemplatePart[] } | { problem: string };

const SPACE = /\s*/y;
const PATH = /[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)*/uy;
const NAME = /[A-Za-z_]+/y;
const STRING = /"[^"]*"|'[^']*'/y;
const NUMBER = /-?\d{1,15}(?:\.\d{1,15})?/y;
const DATE_FORMAT_TOKENS = /yyyy|MM|dd|HH|mm|ss/g;

/** Parses the templates in a text, in time linear in its length. It never throws. */
export function parseTemplate(text: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let at = 0;
  try {
    for (;;) {
      const open = text.indexOf('{{', at);
      const literal = text.slice(at, open < 0 ? undefined : open);
      if (literal !== '') parts.push(literal);
      if (open < 0) return { parts };
      const reader = new ValueReader(text, open);
      parts.push(reader.read());
      at = reader.end;
    }
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return { problem: error.message };
    throw error;
  }
}

/** Never leaves this file. */
class TemplateSyntaxError extends Error {}

/** Reads one value, from its `{{` to its `}}`. */
class ValueReader {
  readonly #text: string;
  readonly #start: number;
  /** Where reading stands; once read, the place behind the `}}`. */
  end: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#start = start;
    this.end = start + 2;
  }

  read(): TemplateValue {
    const [root, ...path] = this.#path();
    if (!isRoot(root)) this.#fail(`must start with ${TEMPLATE_ROOTS.join(', ')}`);
    if (path.length === 0) this.#fail(`must name something in ${root}, such as ${root}.name`);
    const filters: TemplateFilter[] = [];
    while (!this.#takeText('}}')) {
      if (!this.#takeText('|')) this.#failExpecting('| or }}');
      filters.push(this.#filter());
    }
    return { root, path, filters };
  }

  #path(): string[] {
    return (this.#take(PATH) ?? this.#failExpecting('a path such as context.name')).split('.');
  }

  #filter(): TemplateFilter {
    const name = this.#take(NAME) ?? this.#failExpecting('a filter');
    if (!isFilterName(name)) this.#fail(`must use the filters ${Object.keys(FILTER_ARGUMENTS).join(', ')}`);
    const argument = this.#takeText(':') ? this.#argument() : undefined;
    const problem = argumentProblem(name, argument);
    if (problem !== undefined) this.#fail(problem);
    return argument === undefined ? { name } : { name, argument };
  }

  #argument(): string | number {
    const string = this.#take(STRING);
    if (string !== undefined) return string.slice(1, -1);
    return Number(this.#take(NUMBER) ?? this.#failExpecting('a text in quotes or a number'));
  }

  #take(token: RegExp): string | undefined {
    this.#skipSpace();
    token.lastIndex = this.end;
    const taken = token.exec(this.#text)?.[0];
    if (taken !== undefined) this.end += taken.length;
    return taken;
  }

  #takeText(token: string): boolean {
    this.#skipSpace();
    const found = this.#text.startsWith(token, this.end);
    if (found) this.end += token.length;
    return found;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.end;
    this.end += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #failExpecting(what: string): never {
    if (this.end >= this.#text.length) this.#fail('is not closed with }}');
    throw new TemplateSyntaxError(`expected ${what} at character ${this.end + 1}`);
  }

  #fail(problem: string): never {
    throw new TemplateSyntaxError(`the template at character ${this.#start + 1} ${problem}`);
  }
}

function isRoot(name: string | undefined): name is TemplateRoot {
  return TEMPLATE_ROOTS.some((root) => root === name);
}

function isFilterName(name: string): name is TemplateFilterName {
  return Object.hasOwn(FILTER_ARGUMENTS, name);
}

function argumentProblem(
  name: TemplateFilterName,
  argument: string | number | undefined,
): string | undefined {
  switch (FILTER_ARGUMENTS[name]) {
    case 'any':
      return argument === undefined ? `must give ${name} an argument` : undefined;
    case 'none':
      return argument === undefined ? undefined : `must give ${name} no argument`;
    case 'decimals':
      return argument === undefined || isDecimals(argument)
        ? undefined
        : `must give ${name} a whole number from 0 to 20`;
    case 'format':
      return argument === undefined || isDateFormat(argument)
        ? undefined
        : `must give ${name} a format of yyyy, MM, dd, HH, mm, ss and signs between them`;
  }
}

function isDecimals(argument: string | number): boolean {
  return typeof argument === 'number' && Number.isInteger(argument) && argument >= 0 && argument <= 20;
}

function isDateFormat(argument: string | number): boolean {
  if (typeof argument !== 'string' || argument === '') return false;
  return !/\p{L}/u.test(argument.replace(DATE_FORMAT_TOKENS, ''));
}
