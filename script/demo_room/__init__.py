"""The parts of the demo room that ``render_demo_room.py`` renders."""
