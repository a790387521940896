import { History, KeyRound, Keyboard, Monitor, Moon, Paperclip, PenTool, Settings2, Sun } from "lucide-react";

import { cn } from "@/lib/classes";
import { useSession, type Theme } from "@/state/session";
import { Button } from "@/ui/button";
import { Tip } from "@/ui/overlays";

import { openKeys } from "./keys";
import { usePlace, type Place } from "./place";

const LINKS: readonly { place: Place; title: string; icon: typeof PenTool }[] = [
  { place: "studio", title: "Studio", icon: PenTool },
  { place: "history", title: "History", icon: History },
  { place: "admin", title: "Admin", icon: Settings2 },
];

const THEMES: Record<Theme, { next: Theme; title: string; icon: typeof Sun }> = {
  system: { next: "light", title: "Colours as the system has them", icon: Monitor },
  light: { next: "dark", title: "Light", icon: Sun },
  dark: { next: "system", title: "Dark", icon: Moon },
};

export function Header({ onHelp }: { onHelp: () => void }) {
  const place = usePlace();
  const { theme, setTheme, key } = useSession();
  const { next, title, icon: ThemeIcon } = THEMES[theme];
  return (
    <header className="flex h-12 shrink-0 items-center gap-4 border-b bg-panel px-4 max-sm:gap-2 max-sm:px-3">
      <a href="#/studio" className="flex items-center gap-2 font-semibold tracking-tight" aria-label="Clippy, to the studio">
        <span aria-hidden className="flex size-6 items-center justify-center rounded-[5px] bg-solid text-on-solid"><Paperclip className="size-3.5" /></span>
        <span className="max-sm:hidden">Clippy</span>
      </a>
      <nav aria-label="Main" className="flex items-center gap-0.5">
        {LINKS.map(({ place: to, title: name, icon: Icon }) => (
          <a
            key={to}
            href={`#/${to}`}
            aria-current={place === to ? "page" : undefined}
            className={cn("flex h-8 items-center gap-1.5 rounded-md px-2.5 text-[0.8125rem] font-medium text-soft transition-colors hover:bg-well hover:text-ink", place === to && "bg-well text-ink")}
          >
            <Icon className="size-4" />{name}
          </a>
        ))}
      </nav>
      <div className="ml-auto flex items-center">
        {key !== "" && <Tip text="Key"><Button look="ghost" size="icon-small" aria-label="Key" onClick={() => openKeys("key")}><KeyRound /></Button></Tip>}
        <Tip text="Keys" keys="?"><Button look="ghost" size="icon-small" aria-label="Keyboard shortcuts" className="max-sm:hidden" onClick={onHelp}><Keyboard /></Button></Tip>
        <Tip text={title}><Button look="ghost" size="icon-small" aria-label={`Colours: ${title}. Change`} onClick={() => setTheme(next)}><ThemeIcon /></Button></Tip>
      </div>
    </header>
  );
}
