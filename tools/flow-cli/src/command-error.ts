/** Why a command cannot go on, for the person who typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
