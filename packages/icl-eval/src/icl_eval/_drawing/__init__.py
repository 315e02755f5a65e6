"""Pictures drawn by matplotlib: style, sizes, colours, panels, and labels at the ends of lines."""
