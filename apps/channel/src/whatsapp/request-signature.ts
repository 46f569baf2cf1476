import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Whether X-Hub-Signature-256 is that of the body, by the app's secret. Takes as long whatever is given. */
export function isSigned(body: Buffer, header: string, appSecret: string): boolean {
  const expected = `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`;
  return isSame(header, expected);
}

/** Whether two texts are the same, without telling by the time how much of them is. */
export function isSame(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}
