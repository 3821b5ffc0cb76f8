"""`queuemgr completion`."""

from __future__ import annotations

import os
from pathlib import PurePath

import click

from queuemgr.service.failures import Misused

from .commands import Verb

SHELLS = ("bash", "zsh", "fish")
_HOW = {
    "bash": 'eval "$(queuemgr completion bash)"       # in ~/.bashrc',
    "zsh": 'eval "$(queuemgr completion zsh)"        # in ~/.zshrc',
    "fish": "queuemgr completion fish | source        # in ~/.config/fish/config.fish",
}


@click.command("completion", cls=Verb, epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_context
def completion(ctx: click.Context, shell: str | None, as_json: bool) -> None:
    """Print the script that completes queuemgr's verbs and options in SHELL (if not given: that of $SHELL)."""
    from click.shell_completion import ShellComplete, get_completion_class

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise Misused(f"the shell {name!r} is not known here", f"name one: {', '.join(SHELLS)}")
    # The class's own `source` runs the shell first to ask for its version; the template is all that is needed.
    made: ShellComplete = kind(ctx.find_root().command, {}, "queuemgr", "_QUEUEMGR_COMPLETE")
    script = made.source_template % made.source_vars()
    if as_json:
        from .showing import Output

        Output(as_json=True).write_json({"shell": name, "script": script})
    else:
        click.echo(script)
