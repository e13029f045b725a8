/** File name without directory and extension: the name under which a scenario's reports are stored. */
export function scenarioId(file: string): string {
  const name = file.split(/[/\\]/).at(-1)!;
  return name.replace(/(?<=.)\.[^.]*$/, '');
}
