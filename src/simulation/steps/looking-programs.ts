/** Programs that only read files of the kernel, as an image for captures has them; busybox is told which of its programs to be. */
const PROGRAMS =
  /^(?:cat|date|df|dmesg|echo|free|grep|head|ls|lsmod|numastat|ps|sleep|sort|tail|top|true|uname|uptime|wc)$/;

/**
 * Whether a command line changes nothing but the memory of its own process, which goes with it: what it printed is a file of the test
 * machine. numactl belongs to them as far as it shows and starts nothing.
 */
export function isLookingProgram(argv: readonly string[]): boolean {
  const [first = '', second = ''] = argv;
  const words = /(^|\/)busybox$/.test(first) ? argv.slice(1) : argv;
  const name = words[0]?.replace(/^.*\//, '') ?? '';
  return PROGRAMS.test(name) || (name === 'numactl' && /^(-H|-s|--hardware|--show)$/.test(second));
}
