import { History, LayoutGrid, Paperclip, PenTool, Settings2 } from "lucide-react";
import { lazy, Suspense } from "react";

import { cn } from "@/lib/classes";
import { later } from "@/lib/later";
import { usePlace, type Place } from "@/state/place";

// After the pad, which is needed first.
const HeaderButtons = lazy(async () => ({
  default: (await later(() => import("./header-buttons"))).HeaderButtons,
}));

const LINKS: readonly { place: Place; title: string; icon: typeof PenTool }[] = [
  { place: "studio", title: "Studio", icon: PenTool },
  { place: "boards", title: "Boards", icon: LayoutGrid },
  { place: "history", title: "History", icon: History },
  { place: "admin", title: "Admin", icon: Settings2 },
];

interface HeaderProps {
  onAdd: () => void;
  onHelp: () => void;
}

export function Header(props: HeaderProps) {
  return (
    <header
      className="relative flex h-12 shrink-0 items-center gap-4 border-b bg-panel px-4 max-sm:gap-2
        max-sm:px-3 landscape-phone:h-10"
    >
      <a
        href="#/studio"
        className="flex items-center gap-2 font-semibold tracking-tight"
        aria-label="Clippy, go to the studio"
      >
        <span
          aria-hidden
          className="flex size-6 items-center justify-center rounded-[5px] bg-solid text-on-solid"
        >
          <Paperclip className="size-3.5" />
        </span>
        <span className="max-sm:hidden">Clippy</span>
      </a>
      <Links />
      <Suspense fallback={null}>
        <HeaderButtons {...props} />
      </Suspense>
    </header>
  );
}

function Links() {
  const current = usePlace();
  return (
    <nav aria-label="Main" className="flex items-center gap-0.5">
      {LINKS.map(({ place, title, icon: Icon }) => (
        <a
          key={place}
          href={`#/${place}`}
          aria-current={place === current ? "page" : undefined}
          className={cn(
            "flex h-8 items-center gap-1.5 rounded-md px-2.5 text-[0.8125rem] font-medium",
            "text-soft transition-colors hover:bg-well hover:text-ink",
            place === current && "bg-well text-ink",
            "max-sm:px-1.5",
          )}
        >
          <Icon className="size-4 max-sm:hidden" />
          {title}
        </a>
      ))}
    </nav>
  );
}
