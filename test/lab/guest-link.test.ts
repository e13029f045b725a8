import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { GuestLink } from '../../src/lab/guest-link.ts';

class FakeSocket extends EventEmitter {
  readonly written: string[] = [];
  write(text: string): void {
    this.written.push(text);
  }
}

const linked = (): { socket: FakeSocket; link: GuestLink; end: (words: string) => void } => {
  const socket = new FakeSocket();
  let end = (_words: string): void => undefined;
  const ended = new Promise<string>((resolve) => (end = resolve));
  return { socket, link: new GuestLink(socket as unknown as Socket, ended), end: (words) => end(words) };
};

describe('the line to a guest', () => {
  it('sends a request and hands over what comes back, in whatever pieces it comes', async () => {
    const { socket, link } = linked();
    const asked = link.ask('w0', ['call', 3, 7]);
    expect(socket.written).toEqual(['w0 call 3 7\n']);
    for (const byte of '+5 /proc/a\na\n.b\n+0 /proc/b\n.-1 22 n=3 N0=3\n') {
      socket.emit('data', Buffer.from(byte));
    }
    expect(await asked).toEqual({
      ret: -1,
      errno: 'EINVAL',
      message: 'n=3 N0=3',
      files: new Map([
        ['/proc/a', 'a\n.b\n'],
        ['/proc/b', ''],
      ]),
    });
  });

  it('counts the bytes of a file, not its characters', async () => {
    const { socket, link } = linked();
    const asked = link.ask('-', ['cat', '/x']);
    socket.emit('data', Buffer.from('+4 /x\nüü.1 0 \n'));
    expect((await asked).files.get('/x')).toBe('üü');
  });

  it('keeps a greeting that came before anybody waited', async () => {
    const { socket, link } = linked();
    socket.emit('data', Buffer.from('.0 0 ready\n'));
    expect(await link.next()).toMatchObject({ ret: 0, errno: '', message: 'ready' });
  });

  it('fails what is waited for when the guest ends, and all that follows', async () => {
    const { link, end } = linked();
    const asked = link.ask('w0', ['fork', 'w1']);
    end('QEMU ended (SIGKILL)');
    await expect(asked).rejects.toThrow('QEMU ended (SIGKILL)');
    await expect(link.ask('w0', ['exit'])).rejects.toThrow('QEMU ended (SIGKILL)');
  });

  it('fails when the guest talks nonsense', async () => {
    const { socket, link } = linked();
    const asked = link.ask('w0', ['exit']);
    socket.emit('data', Buffer.from('panic\n'));
    await expect(asked).rejects.toThrow('the guest sent "panic"');
  });

  it('names errnos that the model does not know', async () => {
    const { socket, link } = linked();
    const asked = link.ask('w0', ['call', 1]);
    socket.emit('data', Buffer.from('.-1 36 \n'));
    expect((await asked).errno).toBe('ENAMETOOLONG');
  });
});
