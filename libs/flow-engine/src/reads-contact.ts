import { isObject } from './data-fields.ts';
import { parseTemplate } from './template.ts';

/** Whether any text in a flow's definition reads `{{contact.…}}`, so that a start has to know the contact. */
export function readsContact(definition: unknown): boolean {
  if (typeof definition === 'string') {
    const parsed = parseTemplate(definition);
    return (
      'parts' in parsed && parsed.parts.some((part) => typeof part === 'object' && part.root === 'contact')
    );
  }
  if (Array.isArray(definition)) return definition.some(readsContact);
  return isObject(definition) && Object.values(definition).some(readsContact);
}
