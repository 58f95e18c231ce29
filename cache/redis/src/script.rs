//! The scripts that run in the server.

use redis::{Arg, Cmd};

/// A script, each of which works on cells of one slot in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Quarantine,
    Release,
    Void,
    Note,
    Store,
    Restamp,
    Gate,
    Settle,
    Lease,
    Claim,
    Unclaim,
    Join,
}

impl Script {
    pub(crate) const ALL: [Self; 12] = [
        Self::Quarantine,
        Self::Release,
        Self::Void,
        Self::Note,
        Self::Store,
        Self::Restamp,
        Self::Gate,
        Self::Settle,
        Self::Lease,
        Self::Claim,
        Self::Unclaim,
        Self::Join,
    ];

    fn source(self) -> &'static str {
        match self {
            Self::Quarantine => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/programs.lua"),
                include_str!("scripts/register.lua"),
                include_str!("scripts/write.lua"),
                include_str!("scripts/quarantine.lua")
            ),
            Self::Release => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/programs.lua"),
                include_str!("scripts/register.lua"),
                include_str!("scripts/write.lua"),
                include_str!("scripts/release.lua")
            ),
            Self::Void => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/programs.lua"),
                include_str!("scripts/register.lua"),
                include_str!("scripts/write.lua"),
                include_str!("scripts/void.lua")
            ),
            Self::Note => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/stamp.lua"),
                include_str!("scripts/note.lua")
            ),
            Self::Lease => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/stamp.lua"),
                include_str!("scripts/fill.lua"),
                include_str!("scripts/lease.lua")
            ),
            Self::Claim => concat!(include_str!("scripts/fill.lua"), include_str!("scripts/claim.lua")),
            Self::Unclaim => concat!(include_str!("scripts/fill.lua"), include_str!("scripts/unclaim.lua")),
            Self::Store => concat!(
                include_str!("scripts/hold.lua"),
                include_str!("scripts/fill.lua"),
                include_str!("scripts/store.lua")
            ),
            Self::Restamp => concat!(include_str!("scripts/hold.lua"), include_str!("scripts/restamp.lua")),
            Self::Join => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/programs.lua"),
                include_str!("scripts/join.lua")
            ),
            Self::Gate => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/holders.lua"),
                include_str!("scripts/gate.lua")
            ),
            Self::Settle => concat!(
                include_str!("scripts/cell.lua"),
                include_str!("scripts/holders.lua"),
                include_str!("scripts/settle.lua")
            ),
        }
    }

    /// The command that gives the script to a server, which answers with its name.
    pub(crate) fn load(self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("SCRIPT").arg("LOAD").arg(self.source());
        command
    }
}

/// The names by which a server calls the scripts; all servers call them the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptNames(pub(crate) [Box<str>; Script::ALL.len()]);

impl ScriptNames {
    pub(crate) fn of(&self, script: Script) -> &str {
        &self.0[script as usize]
    }

    /// The same call with the script itself in the place of its name: a server needs to know nothing. Other commands stay
    /// as they are.
    pub(crate) fn spelled_out(&self, command: &Cmd) -> Cmd {
        let mut arguments = command.args_iter();
        let (Some(Arg::Simple(b"EVALSHA")), Some(Arg::Simple(name))) = (arguments.next(), arguments.next()) else {
            return command.clone();
        };
        let Some(script) = Script::ALL.into_iter().find(|&script| self.of(script).as_bytes() == name) else {
            return command.clone();
        };
        let mut call = Cmd::new();
        call.arg("EVAL").arg(script.source());
        for argument in arguments {
            if let Arg::Simple(argument) = argument {
                call.arg(argument);
            }
        }
        call
    }
}
