import { type KernelHooks, NO_HOOKS } from '../kernel/hooks.ts';
import type { Kvm } from '../kvm/kvm.ts';
import { type KvmHooks, NO_KVM_HOOKS } from '../kvm/hooks.ts';
import type { Hooks } from '../strategy/contract.ts';

/** What the texts of a process and the VMM's wishes ask of a design; absent answers are empty. */
export type ReaderHooks = Required<
  Pick<Hooks, 'policyWish' | 'fileWish' | 'statusLines' | 'fdinfoLines' | 'procFiles' | 'isWorldReadable'>
> & { policyQuery: Hooks['policyQuery'] | undefined };

type Name = keyof Hooks;

/**
 * Joins the hooks of a strategy's parts into objects of one fixed shape. An event reaches every part that listens, in axis order; a
 * question is answered by the first part that has an answer.
 */
export function composeHooks(parts: readonly Hooks[]): {
  kernel: KernelHooks;
  kvm: KvmHooks;
  readers: ReaderHooks;
  allocatesMovable: boolean;
} {
  return {
    kernel: {
      choosePolicy: first(parts, 'choosePolicy') ?? NO_HOOKS.choosePolicy,
      chargeTo: (first(parts, 'chargeTo') ?? NO_HOOKS.chargeTo) as KernelHooks['chargeTo'],
      folioAllocated: all(parts, 'folioAllocated') ?? NO_HOOKS.folioAllocated,
      folioFreed: all(parts, 'folioFreed') ?? NO_HOOKS.folioFreed,
      taskMoved: all(parts, 'taskMoved') ?? NO_HOOKS.taskMoved,
      forked: all(parts, 'forked') ?? NO_HOOKS.forked,
      exiting: all(parts, 'exiting') ?? NO_HOOKS.exiting,
      oomPages: (process) => parts.reduce((sum, part) => sum + (part.oomPages?.(process) ?? 0), 0),
      mayMigrate: first(parts, 'mayMigrate') ?? NO_HOOKS.mayMigrate,
      migrateFolio: first(parts, 'migrateFolio') ?? NO_HOOKS.migrateFolio,
      folioMoved: all(parts, 'folioMoved') ?? NO_HOOKS.folioMoved,
      shadowUnmapped: all(parts, 'shadowUnmapped') ?? NO_HOOKS.shadowUnmapped,
      shadowIsMigratable: first(parts, 'shadowIsMigratable') ?? NO_HOOKS.shadowIsMigratable,
    },
    kvm: {
      gmemCreated: all(parts, 'gmemCreated') ?? NO_KVM_HOOKS.gmemCreated,
      gmemReleased: all(parts, 'gmemReleased') ?? NO_KVM_HOOKS.gmemReleased,
      slotBound: (all(parts, 'slotBound') ?? NO_KVM_HOOKS.slotBound) as KvmHooks['slotBound'],
      slotDeleted: (all(parts, 'slotDeleted') ?? NO_KVM_HOOKS.slotDeleted) as KvmHooks['slotDeleted'],
      faulting: (first(parts, 'faulting') ?? NO_KVM_HOOKS.faulting) as KvmHooks['faulting'],
      tdpMapped: (all(parts, 'tdpMapped') ?? NO_KVM_HOOKS.tdpMapped) as KvmHooks['tdpMapped'],
      tdpZapped: (all(parts, 'tdpZapped') ?? NO_KVM_HOOKS.tdpZapped) as KvmHooks['tdpZapped'],
      rootMapped: (all(parts, 'rootMapped') ?? NO_KVM_HOOKS.rootMapped) as KvmHooks['rootMapped'],
      rootZapped: (all(parts, 'rootZapped') ?? NO_KVM_HOOKS.rootZapped) as KvmHooks['rootZapped'],
      converted: all(parts, 'converted') ?? NO_KVM_HOOKS.converted,
    },
    allocatesMovable: first(parts, 'allocatesMovable')?.() ?? false,
    readers: {
      policyWish: first(parts, 'policyWish') ?? (() => 'ENODEV'),
      fileWish: first(parts, 'fileWish') ?? (() => 'EINVAL'),
      policyQuery: first(parts, 'policyQuery'),
      statusLines: (process) => parts.flatMap((part) => part.statusLines?.(process) ?? []),
      fdinfoLines: (process, gmem) => parts.flatMap((part) => part.fdinfoLines?.(process, gmem) ?? []),
      procFiles: (process) => Object.assign({}, ...parts.map((part) => part.procFiles?.(process) ?? {})),
      isWorldReadable: first(parts, 'isWorldReadable') ?? (() => true),
    },
  };
}

/** Puts a strategy's hooks where mm and KVM call them. */
export function installHooks(
  kvm: Kvm,
  hooks: { kernel: KernelHooks; kvm: KvmHooks; allocatesMovable: boolean },
): void {
  kvm.kernel.hooks = hooks.kernel;
  kvm.kernel.gmemIsMovable = hooks.allocatesMovable;
  kvm.hooks = hooks.kvm;
}

function first<N extends Name>(parts: readonly Hooks[], name: N): NonNullable<Hooks[N]> | undefined {
  return parts.map((part) => part[name]).find((hook) => hook !== undefined) as
    NonNullable<Hooks[N]> | undefined;
}

type Listener = (...args: never[]) => void;

function all<N extends Name>(parts: readonly Hooks[], name: N): NonNullable<Hooks[N]> | undefined {
  const hooks = parts.map((part) => part[name]).filter((hook) => hook !== undefined);
  if (hooks.length <= 1) return hooks[0] as NonNullable<Hooks[N]> | undefined;
  const listeners = hooks as readonly Listener[];
  const each = (...args: never[]): void => {
    for (const listener of listeners) listener(...args);
  };
  return each as NonNullable<Hooks[N]>;
}
