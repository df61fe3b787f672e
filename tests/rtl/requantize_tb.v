// A whole tensor through `requantize`: reads +x, writes +y.

module requantize_tb;
    parameter SIZE = 1, IN_BITS = 32, OUT_BITS = 8, SYMMETRIC = 1, SHIFT = 0;

    reg signed [IN_BITS-1:0] x [0:SIZE-1];
    reg signed [OUT_BITS-1:0] y [0:SIZE-1];
    reg [8*1024-1:0] name;
    reg signed [IN_BITS-1:0] code;
    wire signed [OUT_BITS-1:0] narrow;
    integer i;

    requantize #(.IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .SYMMETRIC(SYMMETRIC))
        unit (.shift(SHIFT[7:0]), .x(code), .y(narrow));

    initial begin
        if ($value$plusargs("x=%s", name)) $readmemh(name, x);
        for (i = 0; i < SIZE; i = i + 1) begin
            code = x[i];
            #1 y[i] = narrow;
        end
        if ($value$plusargs("y=%s", name)) $writememh(name, y);
        $finish;
    end
endmodule
