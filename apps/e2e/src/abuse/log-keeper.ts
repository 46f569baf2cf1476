import type { Cluster, Name } from '../cluster.ts';

/** All that the processes of a cluster have logged, those that were killed meanwhile as well. */
export class LogKeeper {
  private readonly cluster: Cluster;
  private readonly earlier: string[] = [];

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  async kill(...names: Name[]): Promise<void> {
    await Promise.all(names.map((name) => this.cluster.kill(name)));
    // Starting it again begins a new log.
    for (const name of names) this.earlier.push(this.cluster.logOf(name));
  }

  text(): string {
    return [...this.earlier, ...this.cluster.names.map((name) => this.cluster.logOf(name))].join('\n');
  }

  /** The lines that hold one of the texts, or their digits or JSON, each cut to a length fit to read. */
  linesWith(texts: string[]): string[] {
    return this.text()
      .split('\n')
      .filter((line) => texts.some((text) => line.includes(text)))
      .map((line) => line.slice(0, 400));
  }
}
