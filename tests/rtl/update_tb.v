// A weight update with random rounding by `lfsr`: reads +g (gradient) and +w (master weight),
// writes +u (update) and +v (new weight).
//
//     draw     the low DRAW_BITS of the register, one shift before each weight
//     update   |g| >> SHIFT, one more where draw < the first DRAW_BITS of the dropped fraction
//     weight   w - update, clipped to +-LIMIT
//
// The first SKIP shifts belong to tensors and steps before this one.

module update_tb;
    parameter SIZE = 1, G_BITS = 32, W_BITS = 8, U_BITS = 32, SHIFT = 1, LIMIT = 64;
    parameter WIDTH = 16, TAPS = 16'hB400, GALOIS = 0, SEED = 1, DRAW_BITS = 8, SKIP = 0;

    reg signed [G_BITS-1:0] g [0:SIZE-1];
    reg signed [W_BITS-1:0] w [0:SIZE-1];
    reg signed [W_BITS-1:0] v [0:SIZE-1];
    reg signed [U_BITS-1:0] u [0:SIZE-1];
    reg [8*1024-1:0] name;

    reg clk = 0, load = 1;
    wire [WIDTH-1:0] state;
    wire [WIDTH-1:0] seed = SEED;
    integer i, moved;
    reg [G_BITS+DRAW_BITS:0] size, fraction;

    lfsr #(.WIDTH(WIDTH), .TAPS(TAPS), .GALOIS(GALOIS))
        source (.clk(clk), .load(load), .enable(1'b1), .seed(seed), .state(state));

    task tick;
        begin
            #1 clk = 1;
            #1 clk = 0;
        end
    endtask

    initial begin
        if ($value$plusargs("g=%s", name)) $readmemh(name, g);
        if ($value$plusargs("w=%s", name)) $readmemh(name, w);
        tick;
        load = 0;
        for (i = 0; i < SKIP; i = i + 1)
            tick;
        for (i = 0; i < SIZE; i = i + 1) begin
            tick;
            size = (g[i] < 0) ? -g[i] : g[i];
            fraction = ((size & ((1 << SHIFT) - 1)) << DRAW_BITS) >> SHIFT;
            moved = (size >> SHIFT) + (state[DRAW_BITS-1:0] < fraction);
            if (g[i] < 0)
                moved = -moved;
            u[i] = moved;
            moved = w[i] - moved;
            v[i] = (moved > LIMIT) ? LIMIT : (moved < -LIMIT) ? -LIMIT : moved;
        end
        if ($value$plusargs("u=%s", name)) $writememh(name, u);
        if ($value$plusargs("v=%s", name)) $writememh(name, v);
        $finish;
    end
endmodule
