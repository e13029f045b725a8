import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseKernel, findKernels } from '../../src/lab/find-kernels.ts';
import { modulesFor } from '../../src/lab/kernel-modules.ts';
import { missingForLab, missingKernels } from '../../src/lab/requirements.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gmemlab-test-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string | Buffer = ''): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

describe('kernels', () => {
  it('are found in every layout of extracted packages, the newest first', () => {
    put('old/boot/vmlinuz-6.9.1-x');
    put('old/lib/modules/6.9.1-x/kernel/a.ko');
    put('merged/boot/vmlinuz-6.18.2-x');
    put('merged/usr/lib/modules/6.18.2-x/kernel/a.ko');
    put('new/usr/lib/modules/7.3.4-x/vmlinuz');
    put('new/usr/lib/modules/7.3.4-x/kernel/a.ko');
    put('no-image/lib/modules/6.1.0-x/kernel/a.ko');
    put('no-modules/boot/vmlinuz-6.2.0-x');
    expect(findKernels([root]).map(({ release }) => release)).toEqual(['7.3.4-x', '6.18.2-x', '6.9.1-x']);
    expect(findKernels([join(root, 'new')])[0]).toEqual({
      release: '7.3.4-x',
      image: join(root, 'new/usr/lib/modules/7.3.4-x/vmlinuz'),
      modules: join(root, 'new/usr/lib/modules/7.3.4-x'),
    });
  });

  it('are chosen by profile, release or path', () => {
    for (const release of ['6.1.5', '6.12.7', '6.12.9']) {
      put(`a/boot/vmlinuz-${release}`);
      put(`a/lib/modules/${release}/kernel/a.ko`);
    }
    const kernels = findKernels([root]);
    expect(chooseKernel(kernels, '6.1')).toMatchObject({ release: '6.1.5' });
    expect(chooseKernel(kernels, '6.12')).toMatchObject({ release: '6.12.9' });
    expect(chooseKernel(kernels, '6.12.7')).toMatchObject({ release: '6.12.7' });
    expect(chooseKernel([], join(root, 'a/boot/vmlinuz-6.1.5'))).toMatchObject({ release: '6.1.5' });
    expect(chooseKernel([], join(root, 'a/lib/modules/6.12.7'))).toMatchObject({ release: '6.12.7' });
    expect(chooseKernel([], join(root, 'a'))).toMatchObject({ release: '6.12.9' });
    expect(chooseKernel(kernels, '6.13')).toEqual({
      problem: 'no kernel "6.13" (found: 6.12.9, 6.12.7, 6.1.5)',
    });
    expect(chooseKernel(kernels, join(root, 'b'))).toEqual({
      problem: `${join(root, 'b')}: no such file or directory`,
    });
  });

  it('that are missing come with the commands that get them', () => {
    const all = missingKernels([]);
    expect(all.map(({ profile }) => profile)).toEqual(['6.12', '6.18', '7.3']);
    for (const { get } of all) expect(get).toMatch(/apt-get download linux-.*dpkg-deb -x/);
    expect(missingForLab([], '6.18').join('\n')).toMatch(/no kernel "6\.18"[^]*linux-image-6\.18/);
    expect(missingForLab([], '6.18').join('\n')).not.toContain('linux-image-6.12');
    expect(missingForLab([{ release: '6.12.1', image: '', modules: '' }], '6.12').join('\n')).not.toContain(
      'kernel 6',
    );
  });
});

describe('modules', () => {
  const module = (depends: string): Buffer =>
    Buffer.from(`\u007fELF\0license=GPL\0depends=${depends}\0name=x\0`);

  it('come after all that they need; what is no module is built in', () => {
    put('m/kernel/arch/kvm-amd.ko', module('kvm,ccp'));
    put('m/kernel/arch/kvm.ko', module('irqbypass'));
    put('m/kernel/virt/irqbypass.ko', module(''));
    put('m/kernel/drivers/ccp.ko', module(''));
    put('m/kernel/drivers/other.ko', module(''));
    const kernel = { release: 'x', image: '', modules: join(root, 'm') };
    expect(modulesFor(kernel, ['virtio_console', 'kvm_amd']).map(({ name }) => name)).toEqual([
      'irqbypass',
      'kvm',
      'ccp',
      'kvm_amd',
    ]);
  });
});
