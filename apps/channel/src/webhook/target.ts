import { isPublicHost } from '@parley/flow-engine';

const MAX_LENGTH = 2_048;

/** What is wrong with a webhook's address, in English; undefined when nothing is. */
export function targetProblem(text: string, allowPrivate: boolean): string | undefined {
  if (text === '') return 'is required';
  if (text.length > MAX_LENGTH) return `must not be longer than ${MAX_LENGTH} characters`;
  if (!URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
    return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must not contain a user or password';
  if (url.hash !== '') return 'must not contain a fragment';
  if (!allowPrivate && !isPublicHost(url)) return 'must be a host on the internet';
  return undefined;
}
