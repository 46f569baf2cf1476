/** A text with that in place of each template: what is known of it before it is rendered. */
export function withoutTemplates(text: string, instead: string): string {
  return text.replaceAll(/\{\{.*?\}\}/gs, instead);
}
