/**
 * The bench numbers its contacts: a number gives a phone and an id, here and in SQL, so that no list of them has to
 * be kept or sent around.
 */

/** A possible phone in E.164 without its plus, of any number below 100,000,000. */
export function phoneOf(n: number): string {
  return `49151${String(n).padStart(8, '0')}`;
}

/** The id of the stored contact of that number: a UUID of version 7. */
export function contactIdOf(n: number): string {
  return `01920000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** phoneOf and contactIdOf of column n, in SQL. */
export const PHONE_SQL = "'+49151' || lpad(n::text, 8, '0')";
export const CONTACT_ID_SQL = "('01920000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";

/** Fills {phone} and {contact} in a text with those of a number. Compiled once, as it runs for every request. */
export function template(text: string): (n: number) => string {
  const parts = text.split(/(\{phone\}|\{contact\})/);
  if (parts.length === 1) return () => text;
  return (n) => {
    let filled = '';
    for (const part of parts) {
      if (part === '{phone}') filled += phoneOf(n);
      else if (part === '{contact}') filled += contactIdOf(n);
      else filled += part;
    }
    return filled;
  };
}
