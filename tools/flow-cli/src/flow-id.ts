/** Whether an argument is a flow's id, and no file. */
export function isFlowId(argument: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(argument);
}
