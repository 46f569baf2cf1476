import { CAPTION_SEPARATOR, WHATSAPP_LIMITS } from '@parley/flow-engine';
import type { MessageRequested } from '../message-requested.ts';

/** What opens a list. Rows have a title each, so it says no more. */
const LIST_BUTTON = 'Options';

export type WhatsAppBody = Record<string, unknown>;

/** A message the Cloud API would refuse. */
export interface Unsendable {
  problem: string;
}

/**
 * A message as POST /{phone_number_id}/messages takes it. Up to three choices with short titles are buttons, others a list.
 * phone: E.164. reference: comes back with what Meta says of the message.
 */
export function toWhatsApp(
  message: MessageRequested,
  phone: string,
  reference: string,
): WhatsAppBody | Unsendable {
  const content = contentOf(message);
  if ('problem' in content) return content;
  return {
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    to: phone,
    biz_opaque_callback_data: reference,
    ...content,
  };
}

function contentOf(message: MessageRequested): WhatsAppBody | Unsendable {
  const { text, template, media, choices } = message;
  if (template && (media?.type === 'audio' || (media && media.caption !== '')))
    return { problem: 'A template shows no recording, and its media no caption' };
  if (template) return { type: 'template', template: toTemplate(template, media) };
  if (choices.length > 0) return toInteractive(message);
  if (media) return toMedia(media, text);
  if (text === '') return { problem: 'The message is empty' };
  if (text.length > WHATSAPP_LIMITS.text)
    return { problem: `The text is longer than ${WHATSAPP_LIMITS.text} characters` };
  return { type: 'text', text: { body: text, preview_url: true } };
}

/** Variables with names are passed by name, those called 1, 2, 3 … by their place. Media is the template's header. */
function toTemplate(
  { name, language, variables }: NonNullable<MessageRequested['template']>,
  media: MessageRequested['media'],
): WhatsAppBody {
  const positional = variables.every((variable) => /^\d+$/.test(variable.name));
  const parameters = variables.map((variable) => ({
    type: 'text',
    ...(!positional && { parameter_name: variable.name }),
    text: variable.value,
  }));
  const components = [
    ...(media
      ? [{ type: 'header', parameters: [{ type: media.type, [media.type]: { link: media.url } }] }]
      : []),
    ...(parameters.length > 0 ? [{ type: 'body', parameters }] : []),
  ];
  return { name, language: { code: language }, ...(components.length > 0 && { components }) };
}

function toInteractive({ text, media, choices }: MessageRequested): WhatsAppBody | Unsendable {
  if (text === '') return { problem: 'Choices need a text' };
  if (text.length > WHATSAPP_LIMITS.interactiveText) {
    return {
      problem: `The text is longer than ${WHATSAPP_LIMITS.interactiveText} characters, and there are choices`,
    };
  }
  if (choices.length > WHATSAPP_LIMITS.rows)
    return { problem: `There are more than ${WHATSAPP_LIMITS.rows} choices` };
  if (choices.some(({ title }) => title.length > WHATSAPP_LIMITS.rowTitle)) {
    return { problem: `A choice is longer than ${WHATSAPP_LIMITS.rowTitle} characters` };
  }
  const body = { text };
  const asButtons =
    choices.length <= WHATSAPP_LIMITS.buttons &&
    choices.every(({ title }) => title.length <= WHATSAPP_LIMITS.buttonTitle);
  if (asButtons) {
    const buttons = choices.map(({ payload, title }) => ({ type: 'reply', reply: { id: payload, title } }));
    const header = media && media.type !== 'audio' && { type: media.type, [media.type]: { link: media.url } };
    return {
      type: 'interactive',
      interactive: { type: 'button', ...(header && { header }), body, action: { buttons } },
    };
  }
  const rows = choices.map(({ payload, title }) => ({ id: payload, title }));
  const action = { button: LIST_BUTTON, sections: [{ rows }] };
  return { type: 'interactive', interactive: { type: 'list', body, action } };
}

/** The text goes along as the caption, as one message is all there is. */
function toMedia(
  { type, url, caption }: NonNullable<MessageRequested['media']>,
  text: string,
): WhatsAppBody | Unsendable {
  const words = [text, caption].filter((part) => part !== '').join(CAPTION_SEPARATOR);
  if (type === 'audio' && words !== '') return { problem: 'A recording has no text' };
  if (words.length > WHATSAPP_LIMITS.caption)
    return { problem: `The caption is longer than ${WHATSAPP_LIMITS.caption} characters` };
  return { type, [type]: { link: url, ...(words !== '' && { caption: words }) } };
}
