"""How each family of models is spoken to: prompts, pictures, replies, grammars. Pure. Read `family` first."""
