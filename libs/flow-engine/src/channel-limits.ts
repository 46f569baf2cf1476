import type { DataProblem } from './data-problems.ts';
import type { FlowNode } from './flow-node.ts';
import { withoutTemplates } from './template-text.ts';

/** What a flow can be made for. */
export const FLOW_CHANNELS = ['webhook', 'whatsapp'] as const;

/**
 * What WhatsApp's Cloud API can show (as of Graph API 23), in characters and numbers; longer or more it refuses. Rendered texts
 * may still pass them; then the message fails.
 */
export const WHATSAPP_LIMITS = {
  text: 4_096,
  /** Beside choices. */
  interactiveText: 1_024,
  caption: 1_024,
  /** Up to so many choices are buttons, more are the rows of a list. */
  buttons: 3,
  buttonTitle: 20,
  rows: 10,
  rowTitle: 24,
} as const;

/** Between a text and the caption of its media, which WhatsApp shows as one. */
export const CAPTION_SEPARATOR = '\n\n';

/** What a flow made for this channel may not have. Channels that show whatever there is have no limits. */
export function channelProblems(node: FlowNode, channel: string): DataProblem[] {
  if (channel !== 'whatsapp') return [];
  if (node.type === 'ask') return problemsOfAsk(node.data);
  if (node.type === 'send_message') return problemsOfMessage(node.data);
  return [];
}

type Ask = Extract<FlowNode, { type: 'ask' }>['data'];
type Message = Extract<FlowNode, { type: 'send_message' }>['data'];

function problemsOfAsk({ text, invalid_text: invalidText, choices }: Ask): DataProblem[] {
  const limit = choices ? WHATSAPP_LIMITS.interactiveText : WHATSAPP_LIMITS.text;
  const beside = choices ? ' beside choices' : '';
  const problems = [
    ...tooLong('text', text, limit, beside),
    ...tooLong('invalid_text', invalidText ?? '', limit, beside),
  ];
  if (!choices) return problems;
  if (choices.length > WHATSAPP_LIMITS.rows) {
    problems.push({ path: 'choices', message: `WhatsApp shows at most ${WHATSAPP_LIMITS.rows} choices` });
  }
  const asButtons = choices.length <= WHATSAPP_LIMITS.buttons;
  const most = asButtons ? WHATSAPP_LIMITS.buttonTitle : WHATSAPP_LIMITS.rowTitle;
  const what = asButtons ? `Up to ${WHATSAPP_LIMITS.buttons} choices are buttons` : 'More choices are a list';
  for (const [index, { title }] of choices.entries()) {
    if (title.length <= most) continue;
    const message = `${what} on WhatsApp, with titles of at most ${most} characters`;
    problems.push({ path: `choices[${index}].title`, message });
  }
  return problems;
}

function problemsOfMessage({ text = '', template, media }: Message): DataProblem[] {
  if (template && media) return problemsOfHeader(media);
  if (!media) return tooLong('text', text, WHATSAPP_LIMITS.text, '');
  const caption = media.caption ?? '';
  if (media.type === 'audio') {
    if (text === '' && caption === '') return [];
    const path = text === '' ? 'media.caption' : 'text';
    return [{ path, message: 'A recording has no text on WhatsApp: send it in a message of its own' }];
  }
  // The text goes along as the caption.
  return tooLong(
    text === '' ? 'media.caption' : 'text',
    [text, caption].filter((part) => part !== '').join(CAPTION_SEPARATOR),
    WHATSAPP_LIMITS.caption,
    ' beside media',
  );
}

/** A template shows media as its header, which has no words. */
function problemsOfHeader({ type, caption = '' }: NonNullable<Message['media']>): DataProblem[] {
  if (type === 'audio') return [{ path: 'media.type', message: 'A template shows no recording on WhatsApp' }];
  if (caption === '') return [];
  return [{ path: 'media.caption', message: 'The media of a template has no caption on WhatsApp' }];
}

/** By what is written there itself; what its templates become is not known yet. */
function tooLong(path: string, text: string, most: number, where: string): DataProblem[] {
  return withoutTemplates(text, '').length <= most
    ? []
    : [{ path, message: `WhatsApp shows at most ${most} characters${where}` }];
}
