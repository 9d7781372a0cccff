"""The embedded policy: a screen and an instruction -> the next action. Rules around one small network; read `policy` first."""
