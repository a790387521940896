import { SHORTCUTS } from "@/pad/shortcuts";
import { Dialog } from "@/ui/overlays";

const KEY = "rounded-sm border border-line bg-well px-1.5 py-0.5 font-sans text-xs";

/** The keyboard shortcuts. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title="Keyboard shortcuts">
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
        {SHORTCUTS.map(([keys, action]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className={KEY}>{keys}</kbd>
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
