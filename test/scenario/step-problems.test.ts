import { describe, expect, it } from 'vitest';
import { ERRNO_NAMES } from '../../src/units/errno.ts';
import { FIRST_WORDS } from '../../src/scenario/steps/verb-words.ts';
import { machineNamed, script } from './sample.ts';

const rig = await machineNamed('rig-4node');
const SIZE = 'digits and one of K, M, G, T or p (pages of 4 KiB), as in 64M or 3p';
const MODES = 'default, local, bind, interleave, preferred, prefmany, winterleave';
const OBJECT = 'a letter, then letters, digits, _, . and - (but not "none")';
const LABEL = 'up to 100 letters, digits and _ . , + @ -';

/** Problems of a script in which m (1M), w0 and /a are there. They come on line 3 and after. */
const problems = (text: string): string[] =>
  script(`memfd create m 1M\ncgroup create /a\n${text}`, rig).problems;

describe('problems of a step', () => {
  it.each([
    // verbs
    [
      'snapsot a',
      `3:1 unknown verb "snapsot": did you mean "snapshot"? One of ${[...FIRST_WORDS, 'repeat', 'end'].join(', ')}`,
    ],
    [
      'memfd pnuch m 0 4K',
      '3:7 unknown verb "memfd pnuch": did you mean "punch"? One of create, map, unmap, close, fallocate, punch, punchstride, ftruncate, read, write, stat',
    ],
    ['anon close m', '3:6 unknown verb "anon close": one of map, unmap'],
    ['cgroup', '3:1 "cgroup" is half a verb, then comes one of create, rm, move, limit'],
    ['w0:noop', '3:1 unknown verb "w0:noop": write a space after "w0:"'],
    ['w0:', '3:1 the line has no verb'],
    ['w0: snapshot a', '3:1 "snapshot" is a step of the controller: take "w0:" away'],
    ['ctl: noop', '3:1 "ctl" is no name of a worker: up to 31 letters, digits, _, . and - (but not "ctl")'],
    // words
    [
      'touch m',
      '3:8 OFF and LEN and kind of access missing: touch NAME OFF LEN write|read [random=COUNT [seed=N]]',
    ],
    [
      'memfd create x 4K hugetbl',
      '3:19 "hugetbl" does not belong here: did you mean "hugetlb"? memfd create NAME SIZE [hugetlb] [cloexec] [name=TEXT]',
    ],
    ['noop now', '3:6 "now" does not belong here: noop'],
    [
      'memfd map m private shared',
      '3:13 "private" does not belong here: memfd map NAME [shared|private] [ro] [at=ADDRESS] [offset=OFF] [len=LEN]',
    ],
    // values
    ['gmem create g 12Q', `3:15 "12Q" is no size: ${SIZE}`],
    ['gmem create g -4K', `3:15 "-4K" is no size: ${SIZE}`],
    ['memfd map m at=4k+1', `3:16 "4k+1" is no size: ${SIZE}`],
    ['memfd map m at=0x123', '3:16 0x123 is no multiple of 4096: at= needs one'],
    ['memfd punchstride m 0 1M 4K 0', '3:29 STRIDE may not be 0'],
    ['gmem create g 4K flags=shared', '3:24 "shared" is no whole number from 0 on'],
    ['oomadj low', '3:8 "low" is no whole number'],
    [
      'madvise m 0 4K hugpage',
      '3:16 "hugpage" is no advice: did you mean "hugepage"? One of hugepage, nohugepage, dontneed, remove, collapse, free, pageout, populate_read, populate_write, mergeable, unmergeable',
    ],
    ['touch m 0 4K w', '3:14 "w" is no kind of access: one of write, read'],
    [
      'mempolicy interlave 2,3',
      `3:11 "interlave" is no policy mode: did you mean "interleave"? One of ${MODES}`,
    ],
    [
      'mempolicy bind=static,loose 2',
      '3:23 "loose" is no flag of a policy mode: one of static, relative, balancing',
    ],
    ['mempolicy bind 3-2', '3:16 "3-2" is no list of nodes: numbers and ranges, as in 0,2-3'],
    [
      'touch m 0 1M read random=257',
      '3:26 257 pages are asked for, without repetition, but there are 256 pages in 1M',
    ],
    ['touch m 0 1M read seed=1', '3:24 seed= belongs to random=COUNT, which is missing'],
    ['cgroup limit /a memory.max lots', '3:28 "lots" is no limit of memory: a size, as in 512M, or max'],
    // names
    ['gmem create 4G 4G', `3:13 "4G" is no name of an object: ${OBJECT}`],
    ['gmem create none 4G', `3:13 "none" is no name of an object: ${OBJECT}`],
    ['snapshot a/b', `3:10 "a/b" is no label: ${LABEL}, since it names a directory`],
    ['snapshot ..', `3:10 ".." is no label: ${LABEL}, since it names a directory`],
    ['save ../x /proc/stat', `3:6 "../x" is no file name: ${LABEL}`],
    ['cgroup create a', '3:15 "a" is no cgroup: a path from the root of the hierarchy, as in /machine/vm1'],
    [
      'cgroup create /a/../b',
      '3:15 "/a/../b" is no cgroup: a path from the root of the hierarchy, as in /machine/vm1',
    ],
    // results
    [
      'noop = EINVAL',
      '3:8 "= EINVAL" states no result: a line ends in "= 0" or in "= -ERRNO", as in "= -EINVAL"',
    ],
    ['noop =0', '3:6 "=0" states no result: a line ends in "= 0" or in "= -ERRNO", as in "= -EINVAL"'],
    [
      'noop = -EINVALID',
      `3:8 "EINVALID" is no errno of the modelled calls: did you mean "EINVAL"? One of ${ERRNO_NAMES.join(', ')}`,
    ],
    // references
    ['mempolicy bind 9', '3:16 9 is not a node of this machine (0-3)'],
    ['mbind m 0 1M interleave 0-5', '3:25 4-5 are not nodes of this machine (0-3)'],
    ['gmem create g 1M\ngmem policy g 0 1M bind 4', '4:25 4 is not a node of this machine (0-3)'],
    ['migratepages w0 0 7', '3:19 7 is not a node of this machine (0-3)'],
    ['vm ttouch 0 1M 0 bind 8', '3:23 8 is not a node of this machine (0-3)'],
    ['move_pages m 0 1M 4', '3:19 4 is not a node of this machine (0-3)'],
    ['affinity 4', '3:10 4 is not a CPU of this machine (it has 4, the last is 3)'],
    ['vm vcpu 0 17 local', '3:11 17 is not a CPU of this machine (it has 4, the last is 3)'],
    ['mlock n 0 4K', '3:7 no object "n" is made in this script (create, anon map): one of m'],
    [
      'vm touch 0 1M vcpu=2',
      '3:20 no vCPU thread "2" is made in this script (vm vcpu): there is none at all',
    ],
    ['w1: noop', '3:1 no worker "w1" is made in this script (spawn, fork, processes:): one of w0'],
    ['kill w9', '3:6 no worker "w9" is made in this script (spawn, fork, processes:): one of w0'],
    ['cgroup rm /b', '3:11 no cgroup "/b" is made in this script (cgroup create, processes:): one of /, /a'],
    ['snapshot a\nnoop\nsnapshot a', '5:1 snapshot "a" is taken on line 3 already'],
    // blocks
    ['repeat 3\nsnapshot a\nend', '4:1 snapshot "a" would be taken in every round: take it out of the block'],
    ['repeat\nend', '3:1 the number of rounds is missing: repeat N, from 1 on, then the steps, then "end"'],
    ['repeat 0\nend', '3:8 "0" is no number of rounds: repeat N, from 1 on, then the steps, then "end"'],
    ['noop\nend', '4:1 "end" without a "repeat" before it'],
    ['repeat 2\nrepeat 2\nend', '3:1 "repeat" without an "end" after it'],
    ['w0: repeat 2', '3:5 "repeat" is no step: it takes neither a worker nor a result'],
    [
      'repeat 100\nrepeat 100\nnoop\nend\nend',
      '3:1 the script has 10002 steps once its blocks are unrolled: at most 10000 are run',
    ],
  ])('%s', (text, message) => expect(problems(text)).toEqual([message]));

  it('are all reported, in reading order', () => {
    const text = ['gmem create g 1Q flags=x', 'mbind m 5Z 1M bnd 9 moev', 'snapshot a', 'snapshot a'].join(
      '\n',
    );
    expect(problems(text).map((message) => message.split(' ')[0])).toEqual([
      '3:15',
      '3:24',
      '4:9',
      '4:15',
      '4:19',
      '4:21',
      '6:1',
    ]);
  });

  it('do not follow from a line that could not be read', () => {
    expect(problems('memfd craete n 1M\nmlock n 0 4K')).toHaveLength(1);
    expect(problems('gmem create g 1Q\ngmem punch g 0 4K')).toHaveLength(1);
  });

  it('are reported for a script without steps', () => {
    expect(script('# nothing\n\n', rig).problems).toEqual(['1:1 the script has no steps']);
  });
});
