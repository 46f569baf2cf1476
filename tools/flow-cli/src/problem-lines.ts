import type { z } from 'zod';

/** A place in a file: scenarios[0].steps[2].reply. */
export type Path = readonly PropertyKey[];

/** What a schema says of a file, a line for each place. The issues must have been reported with their input. */
export function problemLines(
  file: string,
  issues: readonly z.core.$ZodIssue[],
  lineOf: (path: Path) => number | undefined = () => undefined,
): string[] {
  return issues.flatMap((issue) =>
    placesOf(issue).map(({ path, message }) => {
      const line = lineOf(path);
      const place = path.length === 0 ? '' : ` ${textOf(path)}:`;
      return `${file}${line === undefined ? '' : `:${line}`}:${place} ${message}`;
    }),
  );
}

function placesOf(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not known here' }));
  }
  const isMissing = ['invalid_type', 'invalid_union'].includes(issue.code) && issue.input === undefined;
  return [{ path: issue.path, message: isMissing ? 'is required' : issue.message }];
}

function textOf(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}
