import { parsePhone } from '@parley/phone';

/** Mobile numbers of Mexico were dialled with a 1 behind the country's code until 2019, and WhatsApp names them so still. */
const MEXICO = /^521(\d{10})$/;
/** Mobile numbers of Brazil got a 9 in front of their eight digits; WhatsApp names those that are older than that without it. */
const BRAZIL_OLD = /^(55\d{2})([6-9]\d{7})$/;
const BRAZIL_NEW = /^(55\d{2})9([6-9]\d{7})$/;

/**
 * The phones in E.164 that the sender of a message may be kept under, the likeliest first: WhatsApp's names for its users are
 * numbers, but not always those that are dialled today.
 */
export function phonesOf(from: string): string[] {
  const others = [
    from.replace(MEXICO, '52$1'),
    from.replace(BRAZIL_OLD, (_all, area: string, rest: string) => `${area}9${rest}`),
    from.replace(BRAZIL_NEW, '$1$2'),
  ];
  const phones = [from, ...others].map((digits) => parsePhone(`+${digits}`));
  return [...new Set(phones.filter((phone) => phone !== undefined))];
}
